"""A browser without a screen: it keeps cookies, reads forms, and goes on only when told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from flask import Flask

# As Messenger's own browsers call themselves: on iOS by Facebook's marks, on Android by those and
# by the system's for every WebView (app/web/pages/webviews.py names the sources).
ON_IOS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Mobile/15E148 [FBAN/MessengerForiOS;FBAV/520.0.0.40.97;FBDV/iPhone15,2]"
)
ON_ANDROID: Final = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A.230803.041; wv) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 "
    "[FB_IAB/Orca-Android;FBAV/484.0.0.24.97;]"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page: where it goes, what it holds already, what its button says."""

    action: str
    fields: Mapping[str, str]
    button: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer; *headers* are by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def forms(self) -> tuple[Form, ...]:
        reader = _Reader()
        reader.feed(self.text)
        return tuple(reader.forms)

    def form(self, button: str) -> Form:
        """Return the form whose button says *button*; "Connect" and "Cancel" in either wording."""
        (found,) = self._forms_with(button)
        return found

    def offers(self, button: str) -> bool:
        """Return whether there is a form as `form` finds it."""
        return bool(self._forms_with(button))

    def _forms_with(self, button: str) -> list[Form]:
        said = (button, _WITH_A_NAME.get(button))
        return [form for form in self.forms if form.button in said]


# What the two answers say where the page asks "Is this you on Messenger?".
_WITH_A_NAME: Final = {"Connect": "Yes, connect", "Cancel": "No, cancel"}


class Browser(Protocol):
    """Sends one request, with the cookies of those before; never follows a redirect."""

    def __call__(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer: ...


class InProcess:
    """A browser that calls *app* without a socket; *origin* is what it takes the server for."""

    def __init__(self, app: Flask, origin: str, *, keeps_cookies: bool = True) -> None:
        self._client = app.test_client(use_cookies=keeps_cookies)
        self._origin = origin

    def __call__(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        given = self._client.open(
            path=urlsplit(address)._replace(scheme="", netloc="").geturl(),
            base_url=self._origin,
            method=method,
            data=body,
            headers=dict(headers or {}),
        )
        lower = {name.lower(): value for name, value in given.headers.items()}
        answer = Answer(given.status_code, lower, given.data)
        given.close()
        return answer


class OverSockets:
    """A browser that asks a server which listens at *origin*; *always* goes with each request."""

    def __init__(self, origin: str, always: Mapping[str, str] | None = None) -> None:
        self._session = requests.Session()
        # No proxy and no .netrc of whoever runs the tests.
        self._session.trust_env = False
        self._session.headers.update(always or {})
        self._origin = origin

    def __call__(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        given = self._session.request(
            method,
            urljoin(self._origin, address),
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )
        lower = {name.lower(): value for name, value in given.headers.items()}
        return Answer(given.status_code, lower, given.content)

    def close(self) -> None:
        self._session.close()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._action = ""
        self._fields: dict[str, str] = {}
        self._button: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._action, self._fields = given["action"], {}
            case "input":
                self._fields[given["name"]] = given.get("value", "")
            case "button" if given.get("type") != "button" and "disabled" not in given:
                self._button = ""

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.forms.append(Form(self._action, self._fields, self._button.strip()))
            self._button = None

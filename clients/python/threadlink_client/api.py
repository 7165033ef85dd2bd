"""Calls of Threadlink's API: one request each, without a retry, a redirect or a proxy's help."""

import json
import re
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO, Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

_ID: Final = re.compile(r"[0-9]{1,64}", re.ASCII)
_LONGEST_ANSWER: Final = 1024 * 1024
_NOT_FOUND: Final = 404
_SUCCESS: Final = range(200, 300)


class ThreadlinkError(Exception):
    """An answer of Threadlink's other than success; `status` is None if there was none.

    `type` is the last word of the problem's type, such as `throttled`: /api/docs of your server
    has them all.
    """

    def __init__(self, message: str, *, status: int | None = None, type_: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.type = type_


class Threadlink:
    """The API of the server at *url*, with an API *key*; *seconds* limit each wait."""

    def __init__(self, url: str, key: str, *, seconds: float = 10) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("the address must begin with http:// or https://")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("the API key has characters that no key has")
        self._api = f"{url.rstrip('/')}/api/v1"
        self._key = key
        self._seconds = seconds
        self._opener = build_opener(_AnyStatus, ProxyHandler({}))

    def link(self, page_id: str, psid: str) -> dict[str, Any] | None:
        """Return the link of a person, with `issuer` and `subject`; None if nobody is linked.

        Raises:
            ThreadlinkError: There is no answer, or one that says neither.
        """
        try:
            return self._call("GET", f"/links/{_id(page_id)}/{_id(psid)}")
        except ThreadlinkError as exc:
            if (exc.status, exc.type) == (_NOT_FOUND, "not_found"):
                return None
            raise

    def send_login(
        self, page_id: str, psid: str, text: str | None = None, resume: str | None = None
    ) -> str:
        """Send a Log In button with *text* above it, or with Threadlink's; return the message's id.

        *resume*, of 512 characters at most, comes back in the notice that follows from the button.

        Raises:
            ThreadlinkError: It was not sent, or that is not known.
        """
        return self._button("login", page_id, psid, text, resume)

    def send_logout(self, page_id: str, psid: str, text: str | None = None) -> str:
        """Send a Log Out button, as `send_login` does."""
        return self._button("logout", page_id, psid, text)

    def _button(
        self, kind: str, page_id: str, psid: str, text: str | None, resume: str | None = None
    ) -> str:
        button = {"kind": kind, "psid": _id(psid), "text": text, "resume": resume}
        wanted = {name: value for name, value in button.items() if value is not None}
        return str(self._call("POST", f"/pages/{_id(page_id)}/buttons", wanted).get("message_id"))

    def _call(
        self, method: str, path: str, content: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content).encode()
        request = Request(self._api + path, data=body, headers=headers, method=method)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                status, answer = response.status, _read(response)
        # An answer that is cut short, or is no HTTP, is none of the others.
        except (OSError, HTTPException) as exc:
            raise ThreadlinkError(f"no answer of Threadlink: {exc}") from exc
        if status not in _SUCCESS or not isinstance(answer, dict):
            raise _error(status, answer)
        return answer


class _AnyStatus(HTTPErrorProcessor):
    """Takes every answer as it is: a redirect would take the key to another server."""

    def http_response(self, request: Request, response: Any) -> Any:  # noqa: ARG002 - its form
        return response

    def https_response(self, request: Request, response: Any) -> Any:  # noqa: ARG002 - its form
        return response


def _id(text: str) -> str:
    """Return *text* if it is an id of Facebook's; anything else could lead to another path."""
    if not _ID.fullmatch(text):
        raise ValueError("ids of pages and persons are digits")
    return text


def _read(response: IO[bytes]) -> Any:
    body = response.read(_LONGEST_ANSWER + 1)
    try:
        return json.loads(body) if len(body) <= _LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        return None


def _error(status: int, answer: Any) -> ThreadlinkError:
    problem = answer if isinstance(answer, dict) else {}
    type_ = str(problem.get("type", "")).rpartition("#")[2]
    words = f"{problem.get('title', '')}: {problem.get('detail', '')}".strip(": ")
    return ThreadlinkError(f"{status} {words}".strip()[:500], status=status, type_=type_)

"""Messenger's in-app browser, as far as a test needs it."""

from collections.abc import Mapping
from urllib.parse import urljoin

import requests

from threadlink_testing.control import TIMEOUT_SECONDS
from threadlink_testing.forms import forms_in


class Window:
    """An in-app browser that keeps cookies, follows redirects, fills in forms; no JavaScript."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._response: requests.Response | None = None

    @property
    def url(self) -> str:
        return str(self._shown.url)

    @property
    def status(self) -> int:
        return self._shown.status_code

    @property
    def text(self) -> str:
        """The page as HTML."""
        return self._shown.text

    @property
    def is_messengers(self) -> bool:
        """True if the browser is back at Messenger."""
        return "/messenger_platform/account_linking" in self.url

    def opens(self, url: str, form: Mapping[str, str] | None = None) -> "Window":
        """Get *url*, or post *form* to it."""
        method = "GET" if form is None else "POST"
        self._response = self._session.request(method, url, data=form, timeout=TIMEOUT_SECONDS)
        return self

    def submits(self, *, button: str | None = None, **fields: str) -> "Window":
        """Fill in the first form that has all *fields*, and submit it.

        *button* selects the form, and the button in it, by the button's label.

        Raises:
            LookupError: The page has no such form.
        """
        forms = forms_in(self.text)
        for form in forms:
            pressed = form.press(button)
            if pressed is not None and fields.keys() <= form.values.keys():
                values = {**form.values, **pressed, **fields}
                url = urljoin(self.url, form.action)
                if form.method == "get":
                    self._response = self._session.get(url, params=values, timeout=TIMEOUT_SECONDS)
                    return self
                return self.opens(url, values)
        wanted = f"{sorted(fields)} and a button {button!r}"
        known = [(sorted(form.values), list(form.buttons)) for form in forms]
        raise LookupError(f"no form with {wanted} at {self.url}; there are {known}")

    @property
    def _shown(self) -> requests.Response:
        if self._response is None:
            raise LookupError("nothing has been opened yet")
        return self._response

"""Errors that end a request; `app.web.problems` has the status and the sentence of each."""

from typing import Literal

from app.messenger.errors import GraphError


class NotByHttps(Exception):
    """It cannot be told that a request came by https, and a redirect would not change that."""


class LinkIncomplete(Exception):
    """The address that Messenger opens lacks account_linking_token or redirect_uri.

    *reason* labels a counter: which of the two, where the address was otherwise Messenger's.
    """

    def __init__(self, reason: Literal["no_redirect_uri"] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkAmbiguous(Exception):
    """A parameter is repeated, or in a form that another program reads differently."""


class PageUnknown(Exception):
    """client_id names no configured page, or is missing where there are several."""


class StateRefused(Exception):
    """A browser came back from a provider without a state that we gave it."""


class CookieAbsent(Exception):
    """The browser sends no cookie of this attempt, or one that we did not sign."""


class NoCookies(CookieAbsent):
    """The browser sends no cookie at all: it may be one that stores none."""


class SessionAbsent(Exception):
    """The browser sends no cookie of this browser session, or one that we did not sign."""


class HandoffRefused(Exception):
    """A browser came to be handed over, and not from the business's own site, or too late.

    *reason*: ``origin``, ``token``, ``late`` or ``get``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FormRefused(Exception):
    """The form did not come from our page in this browser, or from one that is out of date."""


class DigitsNotDelivered(Exception):
    """Messenger refuses to deliver the digits to this person now, by *refusal*."""

    def __init__(self, refusal: GraphError) -> None:
        super().__init__()
        self.refusal = refusal


class KeyExposed(Exception):
    """The address contains an API key, which logs that are not ours may keep."""


class ScopeMissing(Exception):
    """The API key is valid, and lacks the scope."""


class ResourceNotFound(Exception):
    """There is no such thing, or the API key may not see it: the two look the same (R93)."""


class InputRefused(Exception):
    """The query or body does not match the API specification; the message says where."""

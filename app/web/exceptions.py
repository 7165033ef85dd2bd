"""The errors that a request ends with; `problems` has the status and the words of each."""


class LinkIncomplete(Exception):
    """The entry lacks account_linking_token or redirect_uri."""


class LinkAmbiguous(Exception):
    """The entry has a parameter twice, or in a form that another program reads differently."""


class PageUnknown(Exception):
    """client_id names no configured page, or is missing where there are several."""


class StateRefused(Exception):
    """A browser came back from a provider with nothing that we sent it there with."""


class CookieAbsent(Exception):
    """The browser shows no cookie of this attempt, or one we did not seal."""


class NoCookies(CookieAbsent):
    """The browser shows no cookie at all: it may be one that keeps none."""


class FormRefused(Exception):
    """The form did not come from a page of ours in this browser, or from an old one."""


class DigitsNotDelivered(Exception):
    """Messenger does not let us write to this person now."""


class KeyExposed(Exception):
    """A key came in the address, and so stands in logs that are not ours."""


class ScopeMissing(Exception):
    """The key is good, and not for this."""


class MessengerRefused(Exception):
    """Messenger understood the message and will not deliver it."""


class ResourceNotFound(Exception):
    """It is not there, or not this key's: the two look the same (security.md R93)."""


class InputRefused(Exception):
    """The query or the body is not what the document says; the message says where."""

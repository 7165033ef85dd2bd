"""The app, pages and people of the simulated Messenger."""

import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PageSettings:
    """A Facebook Page with its access token."""

    id: str
    name: str
    token: str = field(repr=False)

    @property
    def username(self) -> str:
        """The name in m.me links, beside the id: the letters and digits of the Page's name."""
        return "".join(char for char in self.name.casefold() if char.isascii() and char.isalnum())


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """The Facebook app with its pages, and the people who chat with them.

    With a *webhook_url* the app and its pages start out subscribed, as if set up in the dashboard;
    without one nothing is delivered until the server subscribes through Graph.

    Raises:
        ValueError: The settings contradict each other, or a value is malformed.
    """

    app_id: str
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    webhook_url: str | None = None
    pages: tuple[PageSettings, ...]
    people: tuple[str, ...]
    # The addresses of the privacy callbacks, which are sent when triggered.
    data_deletion_url: str | None = None
    deauthorize_url: str | None = None
    # https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks,
    # read November 2026. Older pages say 20 s, such as
    # https://developers.facebook.com/docs/messenger-platform/faq: fault limit-20s.
    webhook_timeout_seconds: float = 5.0
    # The bearer token of the control API.
    control_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __post_init__(self) -> None:
        ids = [page.id for page in self.pages]
        tokens = [page.token for page in self.pages]
        if not ids or len(ids) != len(set(ids)) or len(tokens) != len(set(tokens)):
            raise ValueError("the emulator needs pages, each with its own id and its own token")
        if not all(number.isdecimal() for number in (self.app_id, *ids)):
            raise ValueError("app and page ids are digits")
        if not self.people or len(self.people) != len(set(self.people)):
            raise ValueError("the emulator needs people, each with a different name")
        if not all(is_text(name) for name in (*self.people, *(page.name for page in self.pages))):
            raise ValueError("names of pages and people must be valid UTF-8")
        for url in (self.webhook_url, self.data_deletion_url, self.deauthorize_url):
            if url and not is_web_url(url):
                raise ValueError("webhook and callback addresses must be http or https URLs")
        if not (self.app_secret and self.verify_token and all(tokens)):
            raise ValueError(
                "the app secret, the verify token and the page tokens must not be empty"
            )


def is_text(value: object) -> bool:
    """Tell whether *value* is a string that UTF-8 can encode: it has no lone surrogate."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def is_web_url(url: str) -> bool:
    """Tell whether *url* is an http or https URL with a host, in printable ASCII."""
    try:
        parts = urlsplit(url)
        return bool(
            url.isascii()
            and url.isprintable()
            and parts.scheme in {"http", "https"}
            and parts.hostname
            and parts.port != 0
        )
    except ValueError:
        return False


def demo_settings(
    *,
    webhook_url: str | None = None,
    pages: tuple[str, ...] = ("Harbour Coffee",),
    people: tuple[str, ...] = ("Ana Berg", "Ben Okafor"),
) -> EmulatorSettings:
    """Return an app with these pages and people, and random ids and secrets."""
    return EmulatorSettings(
        app_id=_digits(16),
        app_secret=f"demo_{secrets.token_hex(16)}",
        verify_token=f"demo_{secrets.token_urlsafe(24)}",
        webhook_url=webhook_url,
        pages=tuple(
            PageSettings(_digits(15), name, f"demo_EAA{secrets.token_urlsafe(120)}")
            for name in pages
        ),
        people=people,
    )


def psid_for(settings: EmulatorSettings, page_id: str, person: str) -> str:
    """Return the page-scoped id of *person*: 16 digits, the same after every start of the app."""
    seed = f"{settings.app_id}\n{page_id}\n{person}"
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    return str(10**15 + number % (8 * 10**15))


def app_scoped_id_for(settings: EmulatorSettings, person: str) -> str:
    """Return the app-scoped id of *person*, which the privacy callbacks use; it is not a PSID."""
    return psid_for(settings, "app", person)


def psid_of_stranger(page_id: str) -> str:
    """Return the PSID of a person who is not among the emulator's people."""
    return str(9 * 10**15 + int(hashlib.sha256(page_id.encode()).hexdigest(), 16) % 10**15)


def _digits(count: int) -> str:
    return str(10 ** (count - 1) + secrets.randbelow(9 * 10 ** (count - 1)))

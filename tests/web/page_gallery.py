"""Samples of every page a person can meet, with the values that a view would fill in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.rate_limiter import RateLimited
from app.infra.admission import Busy
from app.infra.settings.texts import Texts
from app.linking.errors import AttemptExpired, SessionOver, TooManyLinks
from app.linking.invitation_status import CLAIMED_TWICE
from app.linking.values import WRONG_DIGITS as WRONG_DIGITS_REASON
from app.messenger.errors import GraphRefused, GraphUnavailable, RegionRefused
from app.web.exceptions import DigitsNotDelivered, FormRefused, HandoffRefused, LinkIncomplete
from app.web.languages import translation
from app.web.languages.message import N_, Message
from app.web.languages.translation import direction
from app.web.pages import connect_pages, deletion, outcomes
from app.web.pages.connect_pages import Action
from app.web.pages.connections import Row
from app.web.pages.outcomes import (
    CONTINUE,
    SEND_CODE,
    START_AGAIN,
    TRY_AGAIN,
    Outcome,
    outcome_of_problem,
)
from app.web.pages.qr import picture_of
from app.web.pages.time_left import TimeLeft, text_of
from app.web.problems.forms import (
    PROVIDER_NOWHERE,
    QUESTION_CHANGED,
    WRONG_CREDENTIALS,
    WRONG_DIGITS,
    refused_password,
)
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.table import UNFORESEEN, problem_with

TEMPLATES = Path(__file__).parents[2] / "templates"

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
)
_ENVIRONMENT.globals |= {"asset": "/static/{}".format}
translation.install_in(_ENVIRONMENT)
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True)
class Brand:
    name: str
    logo_url: str | None = None
    style_url: str = "/static/brand.css"
    icon_url: str = "/static/icon.svg"
    is_named: bool = True
    website_url: str | None = "https://shop.example"
    links: tuple[tuple[str, str], ...] = (
        ("privacy", "https://shop.example/privacy"),
        ("terms", "https://shop.example/terms"),
        ("imprint", "https://shop.example/imprint"),
    )

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    action: str
    mark: str = "key"


@dataclass(frozen=True, slots=True)
class Sample:
    """One page in one state."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def render(self, *, language: str = "en", **changes: Any) -> str:
        """Return the page in *language*, with *changes* to its values."""
        template = _ENVIRONMENT.get_template(self.template)
        # The language of a request, without one.
        with _ONE_AT_A_TIME, patch.object(translation, "language", return_value=language):
            values = {**self.context, "language": language, "direction": direction(language)}
            if values.get("time_left"):
                values["time_left"] = TimeLeft(230, tuple(map(text_of, range(1, 5))))
            return template.render(**{**values, **changes})


# Nobody has told a name.
_HOST = Brand("login.shop.example", is_named=False, website_url=None, links=())
_ATTEMPT = {
    "brand": Brand("Harbour Coffee"),
    "form_token": "f0rm-t0ken",
    "cancel_action": "/authorize/q3m9/cancel",
    "reference": "q3m9-7d2k",
    "time_left": True,
}
_SIGN_IN = {
    **_ATTEMPT,
    "action": "/authorize/q3m9",
    "problem": None,
    "username": "",
    "with_password": True,
    "providers": [],
    "help_links": [],
    "elsewhere": [],
    "texts": Texts(),
}
_PROVIDERS = [
    Provider("Acme ID", "/authorize/q3m9/to/acme"),
    Provider("Google", "/authorize/q3m9/to/google", "google"),
    Provider("Microsoft", "/authorize/q3m9/to/microsoft", "microsoft"),
    Provider("Apple", "/authorize/q3m9/to/apple", "apple"),
    Provider("Okta", "/authorize/q3m9/to/okta", "okta"),
]
_HELP = [
    ("help", N_("Forgot your password?"), "https://shop.example/forgot"),
    ("sign_up", N_("Create an account"), "https://shop.example/new"),
    ("contact", N_("Get help"), "https://shop.example/help"),
]
_CONFIRM = {
    **_ATTEMPT,
    "action": "/authorize/q3m9/confirm",
    "messenger_name": "Ana Berg",
    "picture_url": None,
    "like_brand": False,
    "display_name": "j•••@example.com",
    "replaces": False,
    "question": "qu3st10n",
    "not_you_action": "/authorize/q3m9/again",
    "password_url": None,
    "connections_url": "/authorize/q3m9/connections",
    "digits_action": "/authorize/q3m9/digits",
    "problem": None,
}
_LANDING = {
    "brand": Brand("Harbour Coffee"),
    "chat_url": None,
    "with_docs": False,
    "emulator_url": None,
}
_PASSWORD = {
    **_ATTEMPT,
    "action": "/authorize/q3m9/password",
    "back": "/authorize/q3m9/confirm",
    "is_first": False,
    "username": "jane@example.com",
    "display_name": "j•••@example.com",
    "minimum": 15,
    "problem": None,
    "field": None,
}


_SESSION = {**_ATTEMPT, "cancel_action": None, "reference": None}
_CONNECT = {**_ATTEMPT, "cancel_action": "/connect/k7f2/cancel", "display_name": "j•••@example.com"}
_M_ME = "https://m.me/1717527131834678?ref=tli-QvJ0Zb8n3kq7Xw2Lr5Ty9Uo1Pa4Sd6Fg8Hj0Kl2Zx4C"
_INVITE = {
    **_CONNECT,
    "link": _M_ME,
    "picture": picture_of(_M_ME),
    "code": "K7F2-M9QA",
    "code_link": "https://m.me/1717527131834678?text=K7F2-M9QA",
    "refresh_seconds": 20,
    "not_you_action": "/connect/k7f2/sign-out",
}
_CONNECT_CONFIRM = {
    **_CONNECT,
    "action": "/connect/k7f2/confirm",
    "question": "qu3st10n",
    "messenger_name": "Ana Berg",
    "picture_url": None,
    "replaces": False,
    "like_brand": False,
    "password_url": None,
    "not_you_action": "/connect/k7f2/sign-out",
    "connections_url": "/connections?page=1",
    "problem": None,
}
_DIGITS = {
    **_CONNECT,
    "action": "/connect/k7f2/digits",
    "resend_action": "/connect/k7f2/resend",
    "problem": None,
}
_ROWS = [
    Row("0" * 32, "Ana Berg", "Harbour Coffee", "20 November 2026", N_("By Log In")),
    Row("1" * 32, None, "Harbour Coffee", "2 November 2026", N_("By link")),
    Row("2" * 32, "Anastasia Brandenburg-Sokolova", "Harbour Coffee Roastery", None, None),
]
_CONNECTIONS = {
    **_SESSION,
    "rows": _ROWS,
    "ask_url": "/connections/k7f2/disconnect/{}".format,
    "more_url": None,
    "back": None,
    "not_you_action": "/connections/k7f2/sign-out",
    "display_name": "j•••@example.com",
    "help_url": "https://shop.example/forgot",
    "problem": None,
}
_DISCONNECT = {
    **_SESSION,
    "row": _ROWS[0],
    "action": "/connections/k7f2/disconnect/0",
    "back": "/connections/k7f2",
}


def _connect(said: Outcome, *actions: Action, **changes: Any) -> Sample:
    context = {**_CONNECT, "outcome": said, "actions": actions, "refresh_seconds": None}
    return Sample("connect/outcome.html", {**context, **changes})


def _outcome(outcome: Outcome, *, again: Message | None = None, **changes: Any) -> Sample:
    context = {
        **_ATTEMPT,
        "time_left": None,
        "outcome": outcome,
        "again_action": "/authorize/q3m9" if again else None,
        "again_label": again,
    }
    return Sample("outcome.html", {**context, **changes})


def _problem(kind: type[Exception], *, again: Message | None = None, **changes: Any) -> Sample:
    problem = PAGE_PROBLEMS[kind]
    if problem.sentence.plural is not None:
        problem = problem.about(num=3)
    return _outcome(outcome_of_problem(problem), again=again, again_method="get", **changes)


SAMPLES: dict[str, Sample] = {
    "sign-in": Sample("authorize/sign_in.html", _SIGN_IN),
    "sign-in-by-host": Sample("authorize/sign_in.html", {**_SIGN_IN, "brand": _HOST}),
    "sign-in-with-everything": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "providers": _PROVIDERS,
            "help_links": _HELP,
            "elsewhere": [PROVIDER_NOWHERE.about(provider="Gmail").sentence],
        },
    ),
    "sign-in-in-own-words": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "texts": Texts(
                title="Anmelden bei der Donaudampfschifffahrtsgesellschaft",
                intro="Damit wir wissen, wer uns schreibt. " * 5,
                username="Mitgliedsnummer oder die Nummer auf Ihrer Fahrkarte",
            ),
            "help_links": [
                ("help", "Fahrkarte oder Mitgliedsausweis verloren?", "https://shop.example/x")
            ],
        },
    ),
    "sign-in-refused": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "username": "jane@example.com",
            "problem": WRONG_CREDENTIALS,
            "help_links": _HELP,
        },
    ),
    "sign-in-too-often": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "username": "jane@example.com",
            "problem": PAGE_PROBLEMS[RateLimited].about(num=2),
        },
    ),
    "sign-in-by-provider": Sample(
        "authorize/sign_in.html",
        {**_SIGN_IN, "with_password": False, "providers": _PROVIDERS[:1]},
    ),
    "confirm": Sample("authorize/confirm.html", _CONFIRM),
    "confirm-picture": Sample(
        "authorize/confirm.html", {**_CONFIRM, "picture_url": "/static/portrait.png"}
    ),
    "confirm-replaces": Sample(
        "authorize/confirm.html",
        {**_CONFIRM, "messenger_name": "Anastasia Brandenburg-Sokolova", "replaces": True},
    ),
    "confirm-unnamed": Sample("authorize/confirm.html", {**_CONFIRM, "messenger_name": None}),
    "confirm-like-brand": Sample(
        "authorize/confirm.html",
        {**_CONFIRM, "messenger_name": "Harbour Coffee Support", "like_brand": True},
    ),
    "confirm-changed": Sample("authorize/confirm.html", {**_CONFIRM, "problem": QUESTION_CHANGED}),
    "confirm-with-a-password": Sample(
        "authorize/confirm.html", {**_CONFIRM, "password_url": "/authorize/q3m9/password"}
    ),
    "code": Sample("authorize/chat_code.html", _CONFIRM),
    "code-unnamed": Sample("authorize/chat_code.html", {**_CONFIRM, "messenger_name": None}),
    "code-refused": Sample("authorize/chat_code.html", {**_CONFIRM, "problem": WRONG_DIGITS}),
    "password": Sample("authorize/password.html", _PASSWORD),
    "password-first": Sample(
        "authorize/password.html", {**_PASSWORD, "is_first": True, "back": None}
    ),
    "password-first-in-a-session": Sample(
        "authorize/password.html",
        {
            **_PASSWORD,
            "is_first": True,
            "back": None,
            "cancel_action": None,
            "not_you_action": "/connect/k7f2/sign-out",
        },
    ),
    "password-refused": Sample(
        "authorize/password.html",
        {**_PASSWORD, "problem": refused_password("too_short", num=15), "field": "new"},
    ),
    "password-changed": _outcome(outcomes.PASSWORD_CHANGED, again=CONTINUE, again_method="get"),
    "send-code": _outcome(outcomes.ASK_FOR_CODE, again=SEND_CODE, again_method="post"),
    "waiting": _outcome(outcomes.WAITING, refresh_seconds=3),
    "linked": _outcome(
        Outcome("check", outcomes.LINKED.title, outcomes.LINKED.sentence.with_values(page="Demo"))
    ),
    "linked-in-own-words": _outcome(
        outcomes.LINKED, own_sentence="Schön, dass Sie da sind! Schreiben Sie uns jetzt."
    ),
    "cancelled": _outcome(outcomes.CANCELLED),
    "never-confirmed": _outcome(outcomes.NEVER_CONFIRMED),
    "refused": _outcome(outcomes.REFUSED),
    "expired": _problem(AttemptExpired),
    "busy": _problem(Busy, again=TRY_AGAIN),
    "no-messenger": _problem(GraphUnavailable, again=TRY_AGAIN),
    "no-directory": _problem(AuthenticatorUnavailable, again=TRY_AGAIN),
    "ours": _problem(GraphRefused),
    "region": _problem(RegionRefused),
    "write-first": _problem(DigitsNotDelivered),
    "too-many-links": _problem(TooManyLinks),
    "out-of-date": _problem(FormRefused, again=TRY_AGAIN),
    "bad-link": _problem(LinkIncomplete, brand=_HOST, cancel_action=None),
    "bad-link-of-a-page": _problem(LinkIncomplete, cancel_action=None),
    "not-found": _outcome(outcome_of_problem(problem_with(404)), brand=_HOST, cancel_action=None),
    "internal": _outcome(outcome_of_problem(UNFORESEEN), brand=_HOST, cancel_action=None),
    "region-with-another-way": _problem(RegionRefused, connect_url="/connect?page=1"),
    "connect-sign-in": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "cancel_action": None,
            "intro": N_("Log in to connect Messenger to your account."),
            "providers": _PROVIDERS[1:2],
        },
    ),
    "connect-invite": Sample("connect/invite.html", _INVITE),
    "connect-answer": _connect(
        connect_pages.ANSWER,
        Action(connect_pages.ASK_AGAIN, "/connect/k7f2/resend"),
        refresh_seconds=3,
    ),
    "connect-write-first": _connect(
        connect_pages.WRITE_FIRST.with_page("Harbour Coffee"),
        Action(TRY_AGAIN, "/connect/k7f2/resend"),
        refresh_seconds=3,
    ),
    "connect-digits": Sample("connect/digits.html", _DIGITS),
    "connect-digits-refused": Sample("connect/digits.html", {**_DIGITS, "problem": WRONG_DIGITS}),
    "connect-confirm": Sample("connect/confirm.html", _CONNECT_CONFIRM),
    "connect-confirm-unnamed": Sample(
        "connect/confirm.html", {**_CONNECT_CONFIRM, "messenger_name": None}
    ),
    "connect-confirm-like-brand": Sample(
        "connect/confirm.html",
        {**_CONNECT_CONFIRM, "messenger_name": "Harbour Coffee Support", "like_brand": True},
    ),
    "connect-done": _connect(
        Outcome(
            "check",
            connect_pages.CONNECTED,
            connect_pages.CONNECTED_TO.with_values(account="Ana Berg"),
            connect_pages.CONNECTED_ALL.with_values(page="Harbour Coffee"),
        ),
        Action(N_("Your connections"), "/connections?page=1", is_post=False),
        cancel_action=None,
        time_left=None,
    ),
    **{
        f"connect-{name}": _connect(
            said,
            Action(connect_pages.NEW_LINK, "/connect/k7f2/again"),
            cancel_action=None,
            time_left=None,
        )
        for name, said in {
            "declined": connect_pages.DECLINED,
            "expired": connect_pages.EXPIRED,
            "said-in-chat": connect_pages.SAID_IN_CHAT,
            "claimed-twice": connect_pages.REFUSED[CLAIMED_TWICE],
            "wrong-digits": connect_pages.REFUSED[WRONG_DIGITS_REASON],
        }.items()
    },
    "connect-cancelled": _connect(connect_pages.CANCELLED, cancel_action=None, time_left=None),
    "handoff-refused": _problem(HandoffRefused, cancel_action=None),
    "session-over": _problem(
        SessionOver, again=START_AGAIN, cancel_action=None, again_action="/connections?page=1"
    ),
    "connections": Sample("connections/list.html", _CONNECTIONS),
    "connections-empty": Sample("connections/list.html", {**_CONNECTIONS, "rows": []}),
    "connections-in-a-log-in": Sample(
        "connections/list.html",
        {
            **_CONNECTIONS,
            "reference": "q3m9-7d2k",
            "problem": PAGE_PROBLEMS[TooManyLinks].about(num=3),
            "back": "/authorize/q3m9/confirm",
            "more_url": "/authorize/q3m9/connections?after=2",
            "not_you_action": None,
            "display_name": None,
        },
    ),
    "disconnect": Sample("connections/disconnect.html", _DISCONNECT),
    "disconnect-unnamed": Sample("connections/disconnect.html", {**_DISCONNECT, "row": _ROWS[1]}),
    "deleted": Sample(
        "deletion.html",
        {
            "brand": Brand("Demo Shop"),
            "sentence": deletion.DELETED,
            "is_deleted": True,
            "is_over": True,
            "tombstone_until": "2026-12-04",
            "reference": "q3m9-7d2k",
        },
    ),
    "landing": Sample(
        "landing.html",
        {**_LANDING, "chat_url": "https://m.me/1717527131834678"},
    ),
    "landing-by-host": Sample("landing.html", {**_LANDING, "brand": _HOST, "with_docs": True}),
    "landing-named": Sample(
        "landing.html",
        {
            "brand": Brand("Demo Shop"),
            "chat_url": "https://m.me/1717527131834678",
            "with_docs": True,
            "emulator_url": "http://127.0.0.1:8001",
        },
    ),
}

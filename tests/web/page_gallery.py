"""Samples of every page a person can meet, with the values that a view would fill in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.infra.settings.texts import Texts

TEMPLATES = Path(__file__).parents[2] / "templates"

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
)
_ENVIRONMENT.globals |= {"asset": "/static/{}".format, "language": "en", "direction": "ltr"}


@dataclass(frozen=True, slots=True)
class Brand:
    name: str
    logo_url: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    action: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One page in one state."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def render(self, **changes: Any) -> str:
        return _ENVIRONMENT.get_template(self.template).render(**{**self.context, **changes})


_ATTEMPT = {
    "brand": Brand("Demo Shop"),
    "form_token": "f0rm-t0ken",
    "cancel_action": "/authorize/q3m9/cancel",
    "reference": "q3m9-7d2k",
}
_SIGN_IN = {
    **_ATTEMPT,
    "action": "/authorize/q3m9",
    "problem": None,
    "username": "",
    "with_password": True,
    "providers": [],
    "help_links": [],
    "texts": Texts(),
}
_PROVIDERS = [
    Provider("Acme ID", "/authorize/q3m9/to/acme"),
    Provider("Okta", "/authorize/q3m9/to/okta"),
]
_HELP = [
    ("Forgot password?", "https://shop.example/forgot"),
    ("Create an account", "https://shop.example/new"),
]
_CONFIRM = {
    **_ATTEMPT,
    "action": "/authorize/q3m9/confirm",
    "messenger_name": "Ana B.",
    "messenger_initial": "A",
    "display_name": "j•••@example.com",
    "replaces": False,
    "question": "qu3st10n",
    "digits_action": "/authorize/q3m9/digits",
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
_STATUS = {**_ATTEMPT, "detail": None, "again_action": None}

SAMPLES: dict[str, Sample] = {
    "sign-in": Sample("authorize/sign_in.html", _SIGN_IN),
    "sign-in-with-everything": Sample(
        "authorize/sign_in.html",
        {**_SIGN_IN, "providers": _PROVIDERS, "help_links": _HELP},
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
            "help_links": [("Fahrkarte oder Mitgliedsausweis verloren?", "https://shop.example/x")],
        },
    ),
    "sign-in-refused": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "username": "jane@example.com",
            "problem": "That sign-in didn't work. Please check both fields.",
            "help_links": _HELP,
        },
    ),
    "sign-in-too-often": Sample(
        "authorize/sign_in.html",
        {
            **_SIGN_IN,
            "username": "jane@example.com",
            "problem": "Too many tries. Please wait a minute.",
            "problem_in_fields": False,
        },
    ),
    "sign-in-by-provider": Sample(
        "authorize/sign_in.html",
        {**_SIGN_IN, "with_password": False, "providers": _PROVIDERS[:1]},
    ),
    "confirm": Sample(
        "authorize/confirm.html", {**_CONFIRM, "not_you_action": "/authorize/q3m9/again"}
    ),
    "confirm-replaces": Sample(
        "authorize/confirm.html",
        {
            **_CONFIRM,
            "messenger_name": "Anastasia Brandenburg-Sokolova",
            "replaces": True,
            "not_you_action": "/authorize/q3m9/again",
        },
    ),
    "confirm-unnamed": Sample(
        "authorize/confirm.html", {**_CONFIRM, "messenger_name": None, "messenger_initial": None}
    ),
    "confirm-digits": Sample(
        "authorize/confirm.html", {**_CONFIRM, "digits": True, "problem": None}
    ),
    "confirm-digits-refused": Sample(
        "authorize/confirm.html",
        {**_CONFIRM, "digits": True, "problem": "Those digits don't match. Please look again."},
    ),
    "confirm-with-a-password": Sample(
        "authorize/confirm.html", {**_CONFIRM, "password_url": "/authorize/q3m9/password"}
    ),
    "password": Sample("authorize/password.html", _PASSWORD),
    "password-first": Sample(
        "authorize/password.html", {**_PASSWORD, "is_first": True, "back": None}
    ),
    "password-refused": Sample(
        "authorize/password.html",
        {
            **_PASSWORD,
            "problem": "This password is little more than a name. Please choose another.",
            "field": "new",
        },
    ),
    "status-waiting": Sample(
        "authorize/status.html",
        {
            **_STATUS,
            "tone": "wait",
            "title": "Waiting for Messenger",
            "sentence": "This takes a few seconds.",
            "refresh_seconds": 3,
        },
    ),
    "status-linked": Sample(
        "authorize/status.html",
        {
            **_STATUS,
            "tone": "ok",
            "title": "You're connected",
            "sentence": "You can go back to your chat.",
        },
    ),
    "status-busy": Sample(
        "authorize/status.html",
        {
            **_STATUS,
            "tone": "wait",
            "title": "We're a little busy",
            "sentence": "Please try again in a moment.",
            "again_action": "/authorize/q3m9",
            "again_method": "get",
            "again_label": "Try again",
        },
    ),
    "status-expired": Sample(
        "authorize/status.html",
        {
            **_STATUS,
            "tone": "stop",
            "title": "This link has expired",
            "sentence": "Go back to Messenger and tap Log In again.",
            "detail": "For your safety, a link works for five minutes.",
        },
    ),
    "status-retry": Sample(
        "authorize/status.html",
        {
            **_STATUS,
            "tone": "stop",
            "title": "This page is out of date",
            "sentence": "Please try again.",
            "again_action": "/authorize/q3m9",
            "again_method": "post",
            "again_label": "Try again",
        },
    ),
    "error": Sample(
        "error.html",
        {
            "title": "This link is incomplete",
            "sentence": "Go back to Messenger and tap Log In again.",
            "reference": "q3m9-7d2k",
        },
    ),
    "error-of-a-page": Sample(
        "error.html",
        {
            "brand": Brand("Demo Shop"),
            "title": "This link has expired",
            "sentence": "Tap Log In again in Messenger.",
            "reference": "q3m9-7d2k",
            "hint": None,
        },
    ),
    "landing": Sample("landing.html"),
}

"""The pages of the console: what each of them shows beside its own content."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined

from app.infra.settings.production import DEMO_MARK
from app.operators import sessions
from app.operators.roles import Role
from app.web.console import assets
from app.web.console.current import now, signed_in_if_any
from app.web.console.forms import entry_token, form_token
from app.web.current import services


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation: a page, by its endpoint, for operators of *role*."""

    endpoint: str
    label: str
    role: Role = Role.VIEWER


# In this order. A page that is not there has no entry.
NAVIGATION: Final = (
    Entry("overview.show", "Overview"),
    Entry("attempts.list_", "Attempts"),
    Entry("search.show", "Search", Role.SUPPORT),
    Entry("outbox.list_", "Outbox"),
    Entry("accounts.list_", "Accounts", Role.SUPPORT),
    Entry("keys.list_", "Keys", Role.ADMIN),
    Entry("meta.show", "Meta"),
    Entry("privacy.list_", "Privacy", Role.SUPPORT),
    Entry("audit.list_", "Audit", Role.SUPPORT),
    Entry("sessions.list_", "Sessions"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation, as the present page shows it."""

    label: str
    url: str
    is_current: bool


def install(app: Flask) -> None:
    """Give the templates of *app* their functions."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=assets.asset, form_token=form_token, entry_token=entry_token)
    app.jinja_env.filters.update(clock=clock_text, stamp=stamp)


def page(template: str, status: int = HTTPStatus.OK, **values: Any) -> ResponseReturnValue:
    """Return the page that *template* makes of *values*."""
    operator = signed_in_if_any()
    ends_at = None
    if operator:
        # This request moves the end on, within a minute.
        ends_at = sessions.ends_at(now(), operator.expires_at)
    body = render_template(
        f"console/{template}",
        operator=operator,
        navigation=_navigation(operator.role) if operator else (),
        ends_at=ends_at,
        business=services().settings.brand.name,
        is_demo=DEMO_MARK in services().settings.secret_key,
        **values,
    )
    return make_response(body, status)


def clock_text(at: datetime) -> str:
    """Return the time of day of *at*, in UTC."""
    return f"{at.astimezone(UTC):%H:%M}"


def stamp(at: datetime) -> str:
    """Return day and time of *at*, in UTC."""
    return f"{at.astimezone(UTC):%-d %b %Y %H:%M}"


def _navigation(role: Role) -> tuple[Link, ...]:
    known = current_app.view_functions
    return tuple(
        Link(entry.label, url_for(entry.endpoint), _is_current(entry))
        for entry in NAVIGATION
        if entry.endpoint in known and role.may(entry.role)
    )


def _is_current(entry: Entry) -> bool:
    return (request.endpoint or "").partition(".")[0] == entry.endpoint.partition(".")[0]

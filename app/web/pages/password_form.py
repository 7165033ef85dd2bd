"""The form on which the owner of a built-in account changes the password, on both roads."""

from typing import Any, Protocol

from flask import render_template

from app.accounts.first_passwords import username_of
from app.accounts.local import ISSUER
from app.linking.values import User
from app.messenger.display_names import clean_name
from app.messenger.types import PageId
from app.web.current import services
from app.web.problems.forms import PASSWORD_FIELDS
from app.web.problems.problem import Problem


class Status(Protocol):
    """The part of an attempt's or a session's status that the form needs."""

    @property
    def page_id(self) -> PageId: ...

    @property
    def state(self) -> str: ...

    @property
    def user(self) -> User | None: ...

    @property
    def display_name(self) -> str | None: ...

    @property
    def must_choose_password(self) -> bool: ...


def can_choose_password(status: Status) -> bool:
    """Return whether the person has signed in with a password that is kept here."""
    is_kept_here = services().sign_in_methods[status.page_id].password_name == ISSUER
    user = status.user if status.state == "signed_in" else None
    return is_kept_here and user is not None and user.issuer == ISSUER


def password_form(
    status: Status, problem: Problem | None, *, action: str, back: str | None = None, **frame: Any
) -> str:
    """Return the page with the form, which is posted to *action*."""
    subject = status.user.subject if status.user else ""
    return render_template(
        "authorize/password.html",
        action=action,
        back=back,
        is_first=status.must_choose_password,
        username=services().read(username_of, subject) or "",
        display_name=clean_name(status.display_name or ""),
        minimum=services().settings.password_min_length,
        problem=problem,
        field=PASSWORD_FIELDS.get(problem.name) if problem else None,
        **frame,
    )

"""Operators at their browsers, and what the audit says of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operators import accounts, sessions
from app.operators.roles import Role
from app.services.container import Services
from tests.browsers import Answer, Form, InProcess
from tests.installation import NOON

CONSOLE_URL: Final = "http://localhost:8000"
PASSWORD: Final = "seven lamps, one ferry"
SAME_ORIGIN: Final = {"Sec-Fetch-Site": "same-origin"}


def add_operator(services: Services, name: str, role: Role, password: str = PASSWORD) -> str:
    """Add an operator; return the actor."""
    password_hash = services.hasher.hash(password)
    operator_id = services.write(accounts.add, name, role, password_hash, at=NOON)
    return accounts.actor_of(operator_id)


class Staff:
    """One browser of an operator; *sees* is the last answer."""

    def __init__(
        self, console: Flask, origin: str = CONSOLE_URL, *, keeps_cookies: bool = True
    ) -> None:
        self._browser = InProcess(console, origin, keeps_cookies=keeps_cookies)
        self._secret = ""
        self.sees = Answer(0, {}, b"")

    def opens(self, path: str, **headers: str) -> Answer:
        """Ask for *path* as a page of the console would; *headers* with _ for -."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.sees = self._browser("GET", path, headers={**SAME_ORIGIN, **given})
        return self.sees

    def posts(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] = SAME_ORIGIN
    ) -> Answer:
        """Send *fields* to *path*."""
        self.sees = self._browser("POST", path, body=dict(fields), headers=headers)
        cookie = self.sees.headers.get("set-cookie", "").partition(";")[0]
        if "console-session=" in cookie:
            self._secret = cookie.partition("=")[2].partition(".")[2]
        return self.sees

    def presses(self, button: str, **typed: str) -> Answer:
        """Send the form with *button* on the page that is seen, with what was *typed*."""
        form = self.form(button)
        return self.posts(form.action, {**form.fields, **typed})

    def form(self, button: str) -> Form:
        """Return the first form whose button begins with *button*."""
        return next(form for form in self.sees.forms if form.button.startswith(button))

    def signs_in(self, name: str, password: str = PASSWORD) -> Answer:
        """Sign in by a name and a password, from the first page on."""
        self.opens("/sign-in")
        return self.presses("Sign in", name=name, password=password)

    @property
    def secret(self) -> str:
        """The secret of the session, as the browser keeps it."""
        return self._secret

    def sends(self, method: str, path: str, **headers: str) -> Answer:
        """Send a request without a body."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.sees = self._browser(method, path, headers=given)
        return self.sees


def audit_rows(services: Services) -> Sequence[dict[str, Any]]:
    """Return the rows of the audit, the oldest first, as plain SQL has them."""

    def ask(session: Session) -> list[dict[str, Any]]:
        rows = session.execute(text("SELECT * FROM audit_event ORDER BY id"))
        return [dict(row) for row in rows.mappings()]

    return services.read(ask)


def acts(services: Services) -> list[tuple[str, str]]:
    """Return act and result of each row of the audit, the oldest first."""
    return [(row["act"], row["result"]) for row in audit_rows(services)]


def end_all(services: Services, actor: str) -> int:
    """End the sessions of *actor*, as a command does it."""
    return services.write(sessions.end_all, actor, at=NOON)

"""What is secret about operators is in no log, table, page or audit row (R110, R139)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.infra.observability import logs
from app.operators.roles import Role
from app.services.container import Services
from tests.web.console.staff import PASSWORD, Staff, add_operator

WRONG, TYPED = "canary-wrong-password", "canary-typed-name"


def test_no_secret_of_an_operator_is_found_anywhere(
    services: Services,
    console: Flask,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R110, R139: what is typed, the secret of a session and the tokens of its forms."""
    logs.configure(level="info", form="json")
    add_operator(services, "kim", Role.ADMIN)
    staff, seen = Staff(console), []
    keep: Callable[..., object] = Staff.posts

    def posts(self: Staff, *args: object, **kwargs: object) -> object:
        answer = keep(self, *args, **kwargs)
        seen.append(self.sees)
        return answer

    monkeypatch.setattr(Staff, "posts", posts)
    staff.signs_in("kim", WRONG)
    staff.signs_in(TYPED, WRONG)
    staff.signs_in(WRONG, TYPED)
    staff.signs_in("kim")
    seen += [staff.opens(path) for path in ("/", "/sessions", "/re-authenticate", "/nothing")]
    staff.opens("/re-authenticate")
    staff.presses("Sign in again", password=WRONG)
    staff.posts("/sign-out", {"form_token": "canary-form-token"})
    secret = staff.secret
    staff.opens("/")
    staff.presses("Sign out")

    pages = "".join(answer.text for answer in seen)
    tokens = set(re.findall(r'name="form_token" value="([^"]+)"', pages))
    kept, log = _dump(services), "".join(capsys.readouterr())
    assert secret
    assert len(tokens) > 3
    for each in (PASSWORD, WRONG, TYPED, secret, "canary-form-token", *tokens):
        assert each not in log
        assert each not in kept
    assert secret not in pages
    assert PASSWORD not in pages
    # What is typed as a name is shown again to whoever typed it, and nowhere else.
    assert "console.sign_in_refused" in log


def _dump(services: Services) -> str:
    def ask(session: Session) -> str:
        connection = session.connection()
        rows = (
            row
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608 - our own tables
        )
        return "\n".join(str(dict(row)) for row in rows)

    return services.read(ask)

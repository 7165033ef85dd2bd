"""The audit: no look without its row, no act without one, and neither can be undone (R138)."""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Blueprint, Flask
from sqlalchemy.orm import Session

from app.api_keys import service as api_keys
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.infra.observability import logs
from app.operators import audit
from app.operators.acts import Act, Actor, Subject
from app.operators.audit import MOST_ACTS, MOST_LOOKS
from app.operators.roles import Role
from app.services.container import Services
from app.web.console import guard
from app.web.console.forms import token_of
from app.web.console.rules import allows
from tests.web.console.staff import Staff, acts, audit_rows

SignedIn = Callable[[Role], Staff]
Later = Callable[[timedelta], None]
APP: Final = Path(__file__).parents[3] / "app"


@pytest.fixture
def console(console: Flask) -> Flask:
    """Return the console with a page to look at, one that forgets its row, and an act."""
    bp = Blueprint("made", __name__)

    @bp.get("/things/<name>")
    @allows(Role.VIEWER, look=Act.VIEWED_PERSON)
    def show(name: str) -> str:
        guard.looked_at(Subject("person", name, "17"))
        return "the data of a person"

    @bp.get("/forgotten")
    @allows(Role.VIEWER, look=Act.VIEWED_PERSON)
    def forget() -> str:
        return "the data of a person"

    @bp.post("/things/<name>/end")
    @allows(Role.VIEWER, act=Act.UNLINKED)
    def end(name: str) -> str:
        make = lambda session: api_keys.issue(  # noqa: E731 - any change will do
            session, name, scopes=(), page_id=None, expires_at=None, at=clock.now()
        )
        guard.done(Subject("person", name), make)
        return "done"

    console.register_blueprint(bp)
    return console


def ends(staff: Staff, name: str, **fields: str) -> int:
    """Do the act to *name*, with the token that its page would have."""
    path = f"/things/{name}/end"
    token = token_of(staff.secret, path)
    return staff.posts(path, {"form_token": token, **fields}).status


def test_a_look_has_its_row_before_its_page(services: Services, signed_in: SignedIn) -> None:
    """R138: who, what about, on which Page, from where, and how it is found in the log."""
    support = signed_in(Role.SUPPORT)
    page = support.opens("/things/12345")

    row = audit_rows(services)[-1]
    assert "the data of a person" == page.text
    assert ("viewed_person", "person", "12345", "17", "done", "support", "127.0.0.1") == (
        row["act"],
        row["subject_kind"],
        row["subject"],
        row["page_id"],
        row["result"],
        row["role"],
        row["address"],
    )
    assert row["actor"].startswith("local:")
    assert row["reference"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_its_row_nothing_is_shown(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """R138: 503, and no word of the page."""
    logs.configure(level="info", form="json")
    support = signed_in(Role.SUPPORT)

    def away(*_: object, **__: object) -> None:
        raise NotCommitted("away")

    monkeypatch.setattr(audit, "look", away)
    page = support.opens("/things/12345")

    assert 503 == page.status
    assert "the data of a person" not in page.text
    assert "retry-after" in page.headers
    assert "audit.not_written" in capsys.readouterr().err


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_that_forgets_its_row_is_not_sent(signed_in: SignedIn) -> None:
    """R138: whoever builds it sees it at the first look."""
    page = signed_in(Role.SUPPORT).opens("/forgotten")

    assert 500 == page.status
    assert "the data of a person" not in page.text


def test_looks_at_the_same_within_ten_minutes_are_one_row(
    services: Services, signed_in: SignedIn, later: Later
) -> None:
    """R138: with how often."""
    support = signed_in(Role.SUPPORT)
    for name in ("1", "1", "2", "1"):
        support.opens(f"/things/{name}")
    later(timedelta(minutes=11))
    support.opens("/things/1")

    rows = [(row["subject"], row["times"]) for row in audit_rows(services)[1:]]
    assert [("1", 3), ("2", 1), ("1", 1)] == rows


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_looks_from_two_addresses_are_two_rows(services: Services) -> None:
    """R138: whoever has copied a session does not hide behind what its operator looked at."""
    person = Subject("person", "1")
    for address in ("192.0.2.1", "198.51.100.9", "192.0.2.1"):
        kim = Actor(actor="local:1", name="kim", role="support", address=address)
        services.write(audit.look, kim, Act.VIEWED_PERSON, person, at=clock.now())
        nobody = Actor(actor="local:", name="", address=address)
        services.write(audit.look, nobody, Act.SIGN_IN_REFUSED, result="refused", at=clock.now())

    rows = [(row["actor_name"], row["address"], row["times"]) for row in audit_rows(services)]
    assert [("kim", "192.0.2.1", 2), ("", "192.0.2.1", 3), ("kim", "198.51.100.9", 1)] == rows


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_looks_at_more_than_120_people_an_hour(
    services: Services,
    signed_in: SignedIn,
    later: Later,
    console: Flask,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """R139: one more is not shown, an admin hears of it, and an hour later it goes on."""
    logs.configure(level="info", form="json")
    console.extensions["threadlink-console"].pace.allows = lambda *_: True
    support = signed_in(Role.SUPPORT)
    for number in range(MOST_LOOKS):
        assert 200 == support.opens(f"/things/{number}").status
    page = support.opens("/things/one-more")

    assert 429 == page.status
    assert "You have looked at 120 people in this hour." in page.text
    assert ("viewed_person", "refused") == acts(services)[-1]
    assert "console.many_views" in capsys.readouterr().err
    # What was seen already may be seen again.
    assert 200 == support.opens("/things/119").status
    later(timedelta(hours=1, seconds=1))
    support.signs_in("support")
    assert 200 == support.opens("/things/one-more").status


def test_an_act_and_its_row_are_one_transaction(
    services: Services, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R138: with the reason that was typed; if either fails, neither is done."""
    support = signed_in(Role.SUPPORT)
    assert 200 == ends(support, "1", reason=" ticket   4711 ")
    row = audit_rows(services)[-1]
    assert ("unlinked", "person", "1", "ticket 4711") == (
        row["act"],
        row["subject_kind"],
        row["subject"],
        row["reason"],
    )

    def fails(*_: object, **__: object) -> None:
        raise NotCommitted("away")

    number = len(audit_rows(services))
    with monkeypatch.context() as patched:
        patched.setattr(api_keys, "issue", fails)
        assert 503 == ends(support, "2")
        patched.undo()
        patched.setattr(audit, "record", fails)
        assert 503 == ends(support, "3")

    keys = services.read(api_keys.list_keys)
    assert ["1"] == [key.name for key in keys]
    assert number == len(audit_rows(services))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_acts_more_than_30_times_an_hour(
    services: Services, signed_in: SignedIn, console: Flask
) -> None:
    """R139: the next one changes nothing."""
    console.extensions["threadlink-console"].pace.allows = lambda *_: True
    support = signed_in(Role.SUPPORT)
    for number in range(MOST_ACTS):
        assert 200 == ends(support, str(number))

    assert 429 == ends(support, "one-more")
    assert MOST_ACTS == len(services.read(api_keys.list_keys))
    assert ("unlinked", "refused") == acts(services)[-1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_row_is_a_line_of_the_log(
    signed_in: SignedIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """R138: whoever can change the database cannot change both."""
    logs.configure(level="info", form="json")
    support = signed_in(Role.SUPPORT)
    support.opens("/things/12345")
    ends(support, "12345")

    log = capsys.readouterr().err
    assert '"act": "viewed_person"' in log
    assert '"act": "unlinked"' in log
    assert "local:" in log


def test_rows_are_only_added_and_deleted_by_age() -> None:
    """R138: no file but one knows the table, and that one has one insert and one delete."""
    known = [
        path.relative_to(APP).as_posix()
        for path in sorted(APP.rglob("*.py"))
        if "AuditEvent" in path.read_text() or "audit_event" in path.read_text()
    ]
    assert ["operators/audit.py", "operators/models.py"] == known
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse((APP / "operators/audit.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    assert (1, 1, 0) == (calls.count("session.add"), calls.count("delete"), calls.count("update"))


def test_the_audit_is_deleted_by_age(session: Session) -> None:
    """R138: after KEEP_AUDIT_DAYS, and not before."""
    at = clock.now()
    actor = Actor(actor="os:kim", name="kim")
    for days in (399, 401):
        audit.record(session, actor, "command:x", at=at - timedelta(days=days))
    session.flush()
    cleanup: Any = audit.old(at - timedelta(days=400))

    assert 1 == cleanup.change(session, cleanup.find(session, None))
    assert [] == list(cleanup.find(session, None))

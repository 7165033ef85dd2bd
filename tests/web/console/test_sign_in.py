"""Signing in to the console with a password, its sessions, and signing in again (R135, R136)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.accounts.passwords import Hasher
from app.infra import clock
from app.operators import accounts, sessions
from app.operators.roles import Role
from app.services.container import Services
from tests.web.console.staff import (
    PASSWORD,
    Staff,
    acts,
    add_operator,
    audit_rows,
    end_all,
)
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SignedIn = Callable[[Role], Staff]
Later = Callable[[timedelta], None]
WRONG = "quite another sentence"


def test_an_operator_signs_in(services: Services, signed_in: SignedIn) -> None:
    """R135: the session is a cookie for this host, and the database has its hash alone."""
    staff = signed_in(Role.SUPPORT)
    cookie = staff.sees.headers["set-cookie"]

    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    secret = cookie.partition("=")[2].partition(";")[0].partition(".")[2]
    assert secret
    stored = StoredRows(services).row("operator_session")
    assert secret not in str(stored)
    page = staff.opens("/")
    assert 200 == page.status
    assert "Signed in as <bdi>support</bdi> (support)." in page.text
    assert [("signed_in", "done")] == acts(services)


def test_who_is_not_signed_in_sees_the_sign_in_and_comes_back(
    console: Flask, services: Services
) -> None:
    """R135: a page asks for the sign-in first, and leads back to itself."""
    add_operator(services, "kim", Role.VIEWER)
    staff = Staff(console)

    sent = staff.opens("/sessions")
    assert (303, "/sign-in?next=/sessions") == (sent.status, sent.location)
    staff.opens(sent.location)
    back = staff.presses("Sign in", name="kim", password=PASSWORD)
    assert (303, "/sessions") == (back.status, back.location)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/sign-in",
        "/nothing",
        "x",
        "/a\n",
    ],
)
def test_the_way_back_is_a_page_of_the_console(
    services: Services, console: Flask, target: str
) -> None:
    """R135: no sign-in leads to another site, nor to what is no page."""
    add_operator(services, "kim", Role.VIEWER)
    staff = Staff(console)
    staff.opens("/sign-in")

    back = staff.presses("Sign in", name="kim", password=PASSWORD, next=target)

    assert (303, "/") == (back.status, back.location)


def test_wrong_unknown_and_disabled_read_the_same(
    services: Services, console: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R136: the same bytes and statements, and one verification of a password each."""
    add_operator(services, "kim", Role.ADMIN)
    add_operator(services, "gone", Role.ADMIN)
    services.write(accounts.disable, "gone", at=clock.now())
    hasher = type(console.extensions["threadlink-console"].hasher)
    matches, verified = hasher.matches, list[str]()

    def counted(self: Hasher, stored: str, typed: str) -> bool:
        verified.append(stored)
        return bool(matches(self, stored, typed))

    monkeypatch.setattr(hasher, "matches", counted)
    seen = set()
    for name, password in (("kim", WRONG), ("nobody", PASSWORD), ("gone", PASSWORD), ("", "")):
        staff = Staff(console)
        page = staff.signs_in(name, password)
        assert 422 == page.status
        token = staff.form("Sign in").fields["form_token"]
        seen.add(page.text.replace(token, "").replace(f'value="{name}"', 'value=""'))

    assert 1 == len(seen)
    assert "Wrong name or password." in seen.pop()
    assert 4 == len(verified)


def test_a_refused_sign_in_is_in_the_audit_without_what_was_typed(
    services: Services, console: Flask
) -> None:
    """R136, R138: whose name it was, if anybody's; one row however often within ten minutes."""
    actor = add_operator(services, "kim", Role.ADMIN)
    for name in ("kim", "kim", "canary-typed", "canary-other"):
        Staff(console).signs_in(name, WRONG)

    rows = audit_rows(services)
    assert [(actor, 2), ("local:", 2)] == [(row["actor"], row["times"]) for row in rows]
    assert {"refused"} == {row["result"] for row in rows}
    assert "canary" not in str(rows)


def test_five_wrong_tries_are_enough_for_five_minutes(services: Services, console: Flask) -> None:
    """R136: the right password is not looked at any more."""
    add_operator(services, "kim", Role.ADMIN)
    for _ in range(5):
        assert 422 == Staff(console).signs_in("kim", WRONG).status

    page = Staff(console).signs_in("kim")

    assert 429 == page.status
    assert "Too many tries." in page.text
    assert int(page.headers["retry-after"]) > 0
    assert 0 == StoredRows(services).count("operator_session")


def test_what_cannot_be_counted_is_not_checked(
    services: Services, console: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R136: the limits fail closed."""
    from app.accounts import rate_limiter  # noqa: PLC0415 - patched below
    from app.infra.database.writer import NotCommitted  # noqa: PLC0415 - as above

    add_operator(services, "kim", Role.ADMIN)

    def away(*_: object, **__: object) -> None:
        raise NotCommitted("away")

    monkeypatch.setattr(rate_limiter, "hit", away)

    assert 503 == Staff(console).signs_in("kim").status
    assert 0 == StoredRows(services).count("operator_session")


def test_the_database_alone_opens_no_session(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R135: what it holds is no cookie."""
    signed_in(Role.ADMIN)
    row = StoredRows(services).row("operator_session")
    thief = Staff(console, keeps_cookies=False)

    for secret in (row["secret_hash"], "", "x"):
        cookie = f"console-session={row['id']}.{secret}"
        assert 303 == thief.opens("/", Cookie=cookie).status


def test_a_disabled_operator_is_nobody_at_the_next_request(
    services: Services, signed_in: SignedIn
) -> None:
    """R135: the role is asked for each time; so is another role, and an ended session."""
    staff = signed_in(Role.ADMIN)
    services.write(accounts.set_role, "admin", Role.VIEWER)
    assert "(viewer)" in staff.opens("/").text
    services.write(accounts.disable, "admin", at=clock.now())

    assert (303, "/sign-in") == (staff.opens("/").status, staff.sees.location)


def test_ended_sessions_are_over_at_once(services: Services, signed_in: SignedIn) -> None:
    """R135: `operators end-sessions`."""
    staff = signed_in(Role.ADMIN)
    actor = StoredRows(services).column("operator_session", "actor")

    assert 1 == services.write(sessions.end_all, actor, at=clock.now())
    assert 303 == staff.opens("/").status
    assert 0 == end_all(services, actor)


def test_a_session_ends_half_an_hour_after_its_last_use(signed_in: SignedIn, later: Later) -> None:
    """R135: each request moves the end on, for eight hours at most."""
    staff = signed_in(Role.VIEWER)
    for minutes in range(20, 8 * 60, 20):
        later(timedelta(minutes=minutes))
        assert 200 == staff.opens("/").status
    later(timedelta(hours=8))
    assert 303 == staff.opens("/").status


def test_an_idle_session_is_over(signed_in: SignedIn, later: Later) -> None:
    """R135: after half an hour without a request."""
    staff = signed_in(Role.VIEWER)
    later(timedelta(minutes=30))

    assert 303 == staff.opens("/").status


def test_signing_out_ends_the_session(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R135: the cookie opens nothing any more, also where a browser keeps it."""
    staff = signed_in(Role.VIEWER)
    kept = staff.sees.headers["set-cookie"].partition(";")[0]
    staff.opens("/")
    left = staff.presses("Sign out")

    assert (303, "/sign-in") == (left.status, left.location)
    assert '"cache", "storage"' == left.headers["clear-site-data"]
    assert "console-session=;" in left.headers["set-cookie"]
    assert 303 == Staff(console, keeps_cookies=False).opens("/", Cookie=kept).status
    assert ("signed_out", "done") == acts(services)[-1]


def test_an_act_needs_a_sign_in_of_the_last_ten_minutes(
    services: Services, signed_in: SignedIn, later: Later
) -> None:
    """R137: it is not done, and not done afterwards either: the operator presses again."""
    actor = add_operator(services, "kim", Role.VIEWER)
    other = sessions.Person(actor=actor, name="kim")
    ticket = services.write(sessions.begin, other, at=clock.now())
    staff = signed_in(Role.ADMIN)
    staff.opens("/sessions")
    path = f"/sessions/{ticket.id}/end"
    form = next(each for each in staff.sees.forms if each.action == path)
    later(timedelta(minutes=11))

    asked = staff.posts(path, form.fields)
    assert (303, "/re-authenticate?next=/sessions") == (asked.status, asked.location)
    staff.opens(asked.location)
    assert 422 == staff.presses("Sign in again", password=WRONG).status
    before = staff.presses("Sign in again", password=PASSWORD)
    assert (303, "/sessions") == (before.status, before.location)
    assert 2 == StoredRows(services).count("operator_session", "ended_at IS NULL")
    # Of the session of before, the form does nothing.
    assert 400 == staff.posts(path, form.fields).status
    staff.opens("/sessions")
    form = next(each for each in staff.sees.forms if each.action == path)
    assert 303 == staff.posts(path, form.fields).status
    assert ("session_ended", "done") == acts(services)[-1]
    assert ("reauthenticated", "done") in acts(services)


def test_a_new_sign_in_makes_no_session_longer(
    services: Services, console: Flask, signed_in: SignedIn, later: Later
) -> None:
    """R135: signing in again brings a new secret, and the old one opens nothing."""
    staff = signed_in(Role.VIEWER)
    old = staff.sees.headers["set-cookie"].partition(";")[0]
    end = StoredRows(services).column("operator_session", "expires_at")
    later(timedelta(minutes=20))
    staff.opens("/re-authenticate")
    staff.presses("Sign in again", password=PASSWORD)

    rows = StoredRows(services)
    assert 1 == rows.count("operator_session", "ended_at IS NULL")
    assert 2 == rows.count("operator_session", f"expires_at = '{end}'")
    assert 303 == Staff(console, keeps_cookies=False).opens("/", Cookie=old).status


def test_who_signs_in_anew_has_one_session(services: Services, signed_in: SignedIn) -> None:
    """R135: the one whose cookie is replaced has ended."""
    staff = signed_in(Role.VIEWER)
    staff.signs_in("viewer")

    rows = StoredRows(services)
    assert (2, 1) == (
        rows.count("operator_session"),
        rows.count("operator_session", "ended_at IS NULL"),
    )


def test_only_admins_see_and_end_the_sessions_of_others(signed_in: SignedIn) -> None:
    """R137: a viewer sees the own ones, and what is tried beyond is in the audit."""
    viewer, admin = signed_in(Role.VIEWER), signed_in(Role.ADMIN)
    admin.opens("/sessions")
    viewer.opens("/sessions")
    assert "admin" not in viewer.sees.text.partition("<main")[2].partition("</main>")[0]
    theirs = next(each for each in admin.sees.forms if "viewer" in each.button)
    own = viewer.form("End")

    path = next(
        each.action for each in admin.sees.forms if each.action.endswith("/end") and each != theirs
    )
    assert 400 == viewer.posts(path, own.fields).status
    assert 303 == admin.posts(theirs.action, theirs.fields).status
    assert 303 == viewer.opens("/").status

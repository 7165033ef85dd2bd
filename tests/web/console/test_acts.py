"""Acts of the console: what each changes, that its reason is kept, and what it cannot do (R138)."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy.orm import Session

from app.accounts import local
from app.api_keys import service as keys
from app.infra import clock
from app.linking import link_queries
from app.messenger.types import Psid
from app.operators.roles import Role
from app.outbox import inspection, queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.models import OutboxRow
from app.privacy import requests
from app.privacy.requests import Source
from app.privacy.values import ErasedPerson
from app.services.container import Services
from app.setup import stored_findings
from app.web.console.forms import token_of
from app.web.console.words import in_path
from tests.installation import ANA, BEN, PAGE, USERNAME
from tests.linking.factories import JANE, confirmed, linked
from tests.web.console.pages_read import words_of
from tests.web.console.staff import Staff, audit_rows
from tests.web.stored_rows import StoredRows

SignedIn = Callable[[Role], Staff]
Later = Callable[[timedelta], None]
REASON = "ticket 4711"


def last_row(services: Services) -> tuple[str, str, str, str]:
    row = audit_rows(services)[-1]
    return row["act"], row["subject"], row["result"], row["reason"]


def test_an_unlink_ends_the_link_and_what_is_on_its_way(
    services: Services, signed_in: SignedIn
) -> None:
    """F7: a code that Messenger has not brought yet makes no link any more."""
    at = clock.now()
    services.write(linked, at=at - timedelta(minutes=2))
    services.write(confirmed, at=at)
    support = signed_in(Role.SUPPORT)

    asked = support.opens(f"/people/{PAGE}/{ANA}/unlink")
    assert "Messenger shows Log In to them again" in words_of(asked.text)
    answer = support.presses("Disconnect", reason=REASON)

    assert (303, f"/people/{PAGE}/{ANA}") == (answer.status, answer.location)
    assert services.read(link_queries.find_link, PAGE, ANA) is None
    assert 0 == StoredRows(services).count("attempt", "ended_at IS NULL")
    assert 1 == StoredRows(services).count("outbox", "kind = 'graph.unlink'")
    assert 1 == StoredRows(services).count("link_event", "cause = 'console'")
    assert ("unlinked", ANA, "done", REASON) == last_row(services)
    page = words_of(support.opens(answer.location).text)
    assert "Not connected. The last link ended: console" in page
    assert "Messenger still shows Log Out to this person" in page


def test_all_links_of_a_user_end_at_once(services: Services, signed_in: SignedIn) -> None:
    at = clock.now()
    services.write(linked, psid=ANA, at=at)
    services.write(linked, psid=BEN, at=at)
    support = signed_in(Role.SUPPORT)
    user = f"/users/{in_path(JANE.issuer)}/{in_path(JANE.subject)}"

    asked = support.opens(f"{user}/unlink-all")
    assert "2 links of this user end now" in words_of(asked.text)
    support.presses("Disconnect all", reason=REASON)

    assert () == services.read(link_queries.list_links, page=None, after=None, most=9)
    assert ("unlinked_all", f"{JANE.issuer} {JANE.subject}", "done", REASON) == last_row(services)


@pytest.mark.usefixtures("jane")
def test_an_account_is_disabled_and_enabled(services: Services, signed_in: SignedIn) -> None:
    subject = services.read(local.find, USERNAME).subject  # type: ignore[union-attr]
    support = signed_in(Role.SUPPORT)

    support.opens(f"/accounts/{subject}/disable")
    support.presses("Disable", reason=REASON)
    assert services.read(local.find, USERNAME).disabled_at is not None  # type: ignore[union-attr]
    assert ("account_disabled", subject, "done", REASON) == last_row(services)
    support.opens(f"/accounts/{subject}/enable")
    support.presses("Enable", reason=REASON)

    assert services.read(local.find, USERNAME).disabled_at is None  # type: ignore[union-attr]
    assert ("account_enabled", subject, "done", REASON) == last_row(services)


def test_a_key_is_revoked(services: Services, signed_in: SignedIn) -> None:
    at = clock.now()
    services.write(keys.issue, "bot", scopes=(), page_id=None, expires_at=None, at=at)
    (key,) = services.read(keys.list_keys)
    admin = signed_in(Role.ADMIN)

    admin.opens(f"/keys/{key.id}/revoke")
    admin.presses("Revoke", reason=REASON)

    assert services.read(keys.list_keys)[0].revoked_at is not None
    assert ("key_revoked", key.id, "done", REASON) == last_row(services)
    assert 404 == admin.opens(f"/keys/{key.id}/revoke").status


def test_an_item_is_tried_again_and_all_dead_ones_of_a_kind(
    services: Services, signed_in: SignedIn
) -> None:
    ids = services.write(_dead_letters)
    admin = signed_in(Role.ADMIN)

    admin.opens(f"/outbox/{ids[0]}")
    admin.presses("Try now")
    assert ("replayed", str(ids[0]), "done", "") == last_row(services)
    admin.opens(f"/outbox/replay-all/{NOTICE}")
    admin.presses("Send again", reason=REASON)

    stats = {(one.kind, one.state): one.count for one in services.read(inspection.queue_stats)}
    assert {(NOTICE, "waiting"): 3, (DELIVERY, "dead"): 1} == stats
    assert ("replayed_all", NOTICE, "done", REASON) == last_row(services)


def _dead_letters(session: Session) -> list[int]:
    at = clock.now()
    for number, kind in enumerate((NOTICE, NOTICE, NOTICE, DELIVERY)):
        queue.enqueue(session, kind, f'{{"n": {number}}}'.encode(), at=at)
    session.flush()
    rows = session.query(OutboxRow).order_by(OutboxRow.id).all()
    for row in rows:
        row.state, row.tries = "dead", 9
    return [row.id for row in rows]


def test_another_look_at_meta_is_asked_for(services: Services, signed_in: SignedIn) -> None:
    """The console asks nobody: the worker does, once in ten minutes."""
    support = signed_in(Role.SUPPORT)
    support.opens("/meta")
    answer = support.presses("Look again")

    assert 303 == answer.status
    assert services.read(stored_findings.read_wish)
    page = support.opens("/meta")
    assert "Another look is asked for" in words_of(page.text)
    assert "Look again" not in page.text


def test_a_privacy_request_is_retried_and_closed(services: Services, signed_in: SignedIn) -> None:
    at = clock.now()
    services.write(linked, at=at)
    taken = services.write(
        requests.take, Source("deletion", "x"), secret_keys=["s"], user_id="218", at=at
    )
    services.write(requests.make_duty, taken.reference, "nobody tells")
    admin = signed_in(Role.ADMIN)
    admin.opens("/privacy")
    admin.presses("Ask Meta again")
    assert ("privacy_retried", taken.reference, "done", "") == last_row(services)

    admin.opens(f"/privacy/{taken.reference}/close")
    wrong = admin.presses("Close the request", psid=BEN, reason=REASON)
    assert 422 == wrong.status
    assert "Nothing is kept of this PSID" in words_of(wrong.text)
    admin.presses("Close the request", psid=ANA, reason=REASON)

    assert ("privacy_closed", taken.reference, "done", REASON) == last_row(services)
    found = services.read(requests.find, taken.reference)
    assert found is not None
    assert "ended" == found.state
    assert [ErasedPerson(PAGE, Psid(ANA), 2, was_held=True)] == list(found.people)


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_done(
    services: Services, signed_in: SignedIn, reason: str
) -> None:
    services.write(linked, at=clock.now())
    support = signed_in(Role.SUPPORT)
    support.opens(f"/people/{PAGE}/{ANA}/unlink")

    page = support.presses("Disconnect", reason=reason)

    assert 422 == page.status
    assert "Enter a reason" in words_of(page.text)
    assert 'aria-invalid="true"' in page.text
    assert services.read(link_queries.find_link, PAGE, ANA) is not None
    assert 0 == StoredRows(services).count("attempt", "reason = 'ended by us'")


@pytest.mark.parametrize(
    "path",
    [
        f"/people/{PAGE}/{ANA}/unlink",
        f"/users/{in_path('local')}/{in_path('x')}/unlink-all",
        f"/outbox/replay-all/{NOTICE}",
    ],
)
def test_an_act_needs_a_sign_in_of_the_last_minutes(
    signed_in: SignedIn, later: Later, path: str
) -> None:
    """R136: asked for before the reason is typed, so that nothing typed is lost."""
    admin = signed_in(Role.ADMIN)
    later(timedelta(minutes=11))

    answer = admin.opens(path)

    assert 303 == answer.status
    assert answer.location.startswith("/re-authenticate?next=")


def test_the_console_makes_no_link_sets_no_password_and_shows_no_code(
    services: Services, signed_in: SignedIn
) -> None:
    """A caller who lies to support gets nothing by it: support can only end things."""
    services.write(confirmed, at=clock.now())
    hashes = [
        StoredRows(services).row("attempt")[name]
        for name in ("code_hash", "secret_hash", "token_hash", "id")
    ]
    admin = signed_in(Role.ADMIN)
    reference = StoredRows(services).row("attempt")["reference"]

    page = admin.opens(f"/attempts/{reference}")

    assert not any(each in page.text for each in hashes)
    assert not any("password" in form.fields for form in page.forms)


def test_an_act_without_its_reason_is_a_look(services: Services, signed_in: SignedIn) -> None:
    """R138: its page again shows names, and whoever has a session can make its forms' tokens."""
    services.write(linked, at=clock.now())
    support = signed_in(Role.SUPPORT)
    user = f"/users/{in_path(JANE.issuer)}/{in_path(JANE.subject)}"
    for path, look in (
        (f"/people/{PAGE}/{ANA}/unlink", ("viewed_person", ANA)),
        (f"{user}/unlink-all", ("viewed_user", f"{JANE.issuer} {JANE.subject}")),
    ):
        page = support.posts(path, {"form_token": token_of(support.secret, path)})

        assert 422 == page.status
        assert (*look, "done", "") == last_row(services)


def test_whom_a_privacy_request_is_about_is_a_look(services: Services, signed_in: SignedIn) -> None:
    """R138: the page of closing one shows the id that Meta has told."""
    taken = services.write(
        requests.take, Source("deletion", "x"), secret_keys=["s"], user_id="218", at=clock.now()
    )
    admin = signed_in(Role.ADMIN)
    page = admin.opens(f"/privacy/{taken.reference}/close")

    assert "218" in words_of(page.text)
    assert ("viewed_request", taken.reference, "done", "") == last_row(services)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "path",
    [
        f"/people/{PAGE}/{'9' * 65}/unlink",
        f"/users/{in_path('local')}/{in_path('x' * 256)}/unlink-all",
        f"/users/{in_path('local')}/{in_path('x')[:-1]}/unlink-all",
        f"/users/{in_path('local')}/{in_path('Jane Doe' + chr(10))}/unlink-all",
        "/sessions/Jane%20Doe/end",
        f"/sessions/{'x' * 600}/end",
    ],
)
def test_what_no_table_could_have_is_in_no_row(
    services: Services, signed_in: SignedIn, path: str
) -> None:
    """R138: the audit has ids of what there is, no text that somebody puts into an address."""
    admin = signed_in(Role.ADMIN)
    rows = len(audit_rows(services))
    answer = admin.posts(path, {"form_token": token_of(admin.secret, unquote(path))})
    told = admin.posts(path, {"form_token": token_of(admin.secret, unquote(path)), "reason": "1"})

    assert (404, 404) == (answer.status, told.status)
    assert rows == len(audit_rows(services))


def test_a_reason_is_kept_without_what_nobody_sees(services: Services, signed_in: SignedIn) -> None:
    """R82: PostgreSQL stores no NUL, and a mark of direction would turn the row's line around."""
    services.write(linked, at=clock.now())
    support = signed_in(Role.SUPPORT)
    support.opens(f"/people/{PAGE}/{ANA}/unlink")
    assert 422 == support.presses("Disconnect", reason="\0 \u202e").status
    answer = support.presses("Disconnect", reason="ticket\0 \u202e4711")

    assert 303 == answer.status
    assert ("unlinked", ANA, "done", REASON) == last_row(services)

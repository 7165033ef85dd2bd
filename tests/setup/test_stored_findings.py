"""The findings of the last look at Meta, as the console shows them, and the wish for another."""

from sqlalchemy.orm import Session

from app.setup import stored_findings
from app.setup.findings import ok, problem, warning
from app.setup.stored_findings import NOT_AGAIN_WITHIN
from tests.installation import NOON
from tests.linking.factories import SECOND

TOKEN = problem("token of page 1", "is no longer good", "make a new one")
EVENTS = warning("app", "one field is not subscribed", "threadlink setup")
WEBHOOK = ok("webhook", "is subscribed")


def test_the_last_look_is_kept_the_worst_first(session: Session) -> None:
    stored_findings.keep(session, [WEBHOOK, EVENTS], at=NOON)
    stored_findings.keep(session, [WEBHOOK, EVENTS, TOKEN], at=NOON + SECOND)

    look = stored_findings.read(session)

    assert (TOKEN, EVENTS, WEBHOOK) == look.findings
    assert (TOKEN,) == look.problems
    assert NOON + SECOND == look.looked_at


def test_another_look_is_taken_once_for_all_who_ask(session: Session) -> None:
    """Meta counts calls: one wish at a time, and none within ten minutes of a look."""
    assert stored_findings.wish(session, at=NOON)
    assert not stored_findings.wish(session, at=NOON + SECOND)
    assert stored_findings.read_wish(session)
    assert stored_findings.claim_wish(session)
    assert not stored_findings.claim_wish(session)

    stored_findings.keep(session, [], at=NOON)
    soon, later = NOON + NOT_AGAIN_WITHIN - SECOND, NOON + NOT_AGAIN_WITHIN
    assert not stored_findings.wish(session, at=soon)
    assert not stored_findings.read_wish(session)
    assert stored_findings.wish(session, at=later)

"""`GET /attempts/<reference>`: the cause of an attempt, without persons."""

import json

import pytest
from sqlalchemy.orm import Session

from app.api_keys.service import SCOPES
from app.infra import clock
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_status import status_of
from app.linking.causes.table import CAUSES
from app.services.container import Services
from tests.browsers import InProcess
from tests.installation import ANA, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, signed_in
from tests.web.api.conftest import Holder, said

FIELDS = [
    "reference",
    "page_id",
    "authenticator",
    "state",
    "stage",
    "cause",
    "fixed_by",
    "sentence",
    "fix",
    "opened_at",
    "ended_at",
    "events",
    "owed",
]


def _attempt(session: Session) -> str:
    at = clock.now()
    ticket = signed_in(session, at=at)
    reference = status_of(session, ticket, at=at).reference
    for note in (
        Note(
            reference=reference,
            kind=Kind.CREDENTIALS_WRONG,
            at=at,
            subject="ldap:staff",
            code=0x525,
            detail="no_such_account",
        ),
        Note(
            reference=reference,
            kind=Kind.GRAPH_FAILED,
            at=at,
            subject="send_text",
            code=190,
            subcode=463,
            detail="TokenDead, HTTP 400",
        ),
    ):
        record(session, {note.key: Counted.one(note)})
    return reference


@pytest.fixture
def reference(services: Services) -> str:
    return services.write(_attempt)


def test_an_attempt_is_explained_without_persons(holder: Holder, reference: str) -> None:
    answer = holder("attempts:read")("GET", f"/attempts/{reference.upper()}")

    told = said(answer)
    assert 200 == answer.status
    assert FIELDS == list(told)
    assert (reference, PAGE, "signed_in", "signed_in", "graph_token_dead", "operator") == (
        told["reference"],
        told["page_id"],
        told["state"],
        told["stage"],
        told["cause"],
        told["fixed_by"],
    )
    assert told["cause"] in CAUSES
    assert (190, 463) == (told["events"][1]["code"], told["events"][1]["subcode"])
    text = json.dumps(told, ensure_ascii=False)
    for person in (ANA, "Ana Berg", JANE.subject, JANE.display_name):
        assert str(person) not in text


def test_a_wrong_credential_does_not_tell_whether_there_is_an_account(
    holder: Holder, reference: str
) -> None:
    """R60: a program that shows this to a customer must not reveal it."""
    (wrong, _) = said(holder("attempts:read")("GET", f"/attempts/{reference}"))["events"]

    assert ("credentials_wrong", "ldap:staff", 0, 0, "") == (
        wrong["kind"],
        wrong["subject"],
        wrong["code"],
        wrong["subcode"],
        wrong["detail"],
    )


def test_a_key_of_a_page_sees_its_attempts_alone(
    holder: Holder, services: Services, reference: str
) -> None:
    """R93: what it may not see is answered like what does not exist."""
    entry = Note(reference="q3m9-7d2k", kind=Kind.ENTRY_REFUSED, at=clock.now(), subject="busy")
    services.write(record, {entry.key: Counted.one(entry)})
    theirs = holder("attempts:read", page_id=OTHER_PAGE)
    ours, everybodys = holder("attempts:read", page_id=PAGE), holder("attempts:read")

    assert 200 == ours("GET", f"/attempts/{reference}").status
    assert 404 == theirs("GET", f"/attempts/{reference}").status
    # Without a Page it is nobody's.
    assert 404 == ours("GET", "/attempts/q3m9-7d2k").status
    assert 200 == everybodys("GET", "/attempts/q3m9-7d2k").status


@pytest.mark.parametrize("unknown", ["0000-0000", "nonsense-word", "b16ae73aa318047c"])
def test_what_is_not_kept_is_not_found(holder: Holder, unknown: str) -> None:
    assert 404 == holder("attempts:read")("GET", f"/attempts/{unknown}").status


def test_no_other_scope_reads_attempts(holder: Holder, client: InProcess, reference: str) -> None:
    others = [scope for scope in SCOPES if scope != "attempts:read"]

    assert 403 == holder(*others)("GET", f"/attempts/{reference}").status
    assert 401 == client("GET", f"/api/v1/attempts/{reference}").status

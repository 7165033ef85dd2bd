"""The operations on built-in accounts: what they tell, to which keys, and what the log has."""

from datetime import UTC

import pytest
from structlog.testing import capture_logs

from app.accounts import local
from app.api_keys.service import SCOPES
from app.infra.observability import logs
from app.services.container import Services
from tests.browsers import Answer
from tests.conftest import on_sqlite
from tests.installation import NOON, PAGE, USERNAME
from tests.web.api.conftest import Caller, Holder, said

OTHERS = [scope for scope in SCOPES if scope != "accounts:read"]


@pytest.fixture
def reader(holder: Holder) -> Caller:
    return holder("accounts:read")


def add(
    services: Services, username: str = "Jane@Example.com", own_subject: str | None = None
) -> str:
    return services.write(
        local.add, username, "Jane Doe", "a hash", own_subject=own_subject, at=NOON
    )


def test_an_account_is_found_by_its_subject_and_by_its_name(
    services: Services, reader: Caller
) -> None:
    subject = add(services)

    answers = [
        reader("GET", f"/accounts/{subject}"),
        reader("GET", "/accounts?username=jane@example.com"),
        reader("GET", "/accounts?username=JANE%40example.com+"),
    ]

    expected = {
        "issuer": "local",
        "subject": subject,
        "username": "Jane@Example.com",
        "display_name": "Jane Doe",
        "disabled_at": None,
    }
    assert [expected] * 3 == [said(answer) for answer in answers]
    assert "a hash" not in str(answers)


@on_sqlite
def test_an_own_subject_with_signs_is_found_as_well(services: Services, reader: Caller) -> None:
    add(services, own_subject="DE-10042?&#")

    found = reader("GET", "/accounts/DE-10042%3F%26%23")

    assert "DE-10042?&#" == said(found)["subject"]


@on_sqlite
def test_a_disabled_account_says_since_when(services: Services, reader: Caller) -> None:
    subject = add(services)
    services.write(local.disable, "jane@example.com", at=NOON)

    told = said(reader("GET", f"/accounts/{subject}"))

    assert NOON.astimezone(UTC).isoformat().replace("+00:00", "Z") == told["disabled_at"]


def without_reference(answer: Answer) -> str:
    """Return the body of *answer* less what is each request's own."""
    return answer.text.replace(said(answer)["reference"], "")


def test_whatever_is_not_told_gets_one_answer(
    services: Services, holder: Holder, reader: Caller
) -> None:
    """A key that is for one Page learns of no account, and nobody of one that was deleted."""
    subject = add(services, own_subject="10042")
    of_a_page = holder("accounts:read", page_id=PAGE)
    answers = [
        of_a_page("GET", f"/accounts/{subject}"),
        of_a_page("GET", "/accounts?username=jane@example.com"),
        reader("GET", "/accounts/10043"),
        reader("GET", "/accounts?username=nobody@example.com"),
        reader("GET", "/accounts?username=%E2%80%8B"),
        reader("GET", f"/accounts/{subject.lower()}x"),
    ]
    services.write(local.delete, "jane@example.com", at=NOON)
    answers += [reader("GET", f"/accounts/{subject}"), reader("GET", "/accounts/jane@example.com")]

    assert {404} == {answer.status for answer in answers}
    assert 1 == len({without_reference(answer) for answer in answers})


@on_sqlite
@pytest.mark.parametrize("query", ["", "?username=", "?username=a&username=b", "?subject=10042"])
def test_a_query_that_breaks_the_schema_is_refused(reader: Caller, query: str) -> None:
    assert 400 == reader("GET", f"/accounts{query}").status


@on_sqlite
def test_another_scope_is_told_nothing(services: Services, holder: Holder) -> None:
    subject = add(services)
    caller = holder(*OTHERS)

    answers = [caller("GET", f"/accounts/{path}") for path in (subject, "nobody")] + [
        caller("GET", "/accounts?username=jane@example.com")
    ]

    assert {403} == {answer.status for answer in answers}
    assert not [answer for answer in answers if "Jane" in answer.text]


@on_sqlite
def test_each_use_is_logged_without_the_name(services: Services, reader: Caller) -> None:
    """R111: by key, so that whoever guesses names is found."""
    subject = add(services, USERNAME)
    logs.configure(level="debug", form="json")
    with capture_logs() as told:
        reader("GET", f"/accounts/{subject}")
        reader("GET", "/accounts?username=guessed@example.com")

    lines = [line for line in told if line["event"] == "account.read"]
    assert [("subject", True), ("username", False)] == [
        (line["by"], line["found"]) for line in lines
    ]
    assert all(line["key"] in reader.key for line in lines)
    assert not [words for words in (USERNAME, "guessed", "Jane") if words in str(told)]

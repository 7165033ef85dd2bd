"""What `threadlink doctor` says of the operators' console (R134, R136)."""

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import URL

from app.accounts.authenticators import Diagnosis
from app.infra.settings.settings import Settings
from app.setup import console_checks
from app.setup.console_checks import check_address, check_sign_in
from app.setup.findings import Finding
from app.setup.http_get import Answer
from tests.installation import settings_for

CONSOLE, PUBLIC = "https://console.shop.example", "https://link.shop.example"
PAGE = b"<title>Sign in - Threadlink console</title>"

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def settings(database: URL, **changed: str) -> Settings:
    given = {"PUBLIC_URL": PUBLIC, "CONSOLE_URL": CONSOLE, "TRUSTED_PROXIES": "1", **changed}
    return settings_for(database, **given)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """Return what each address answers; what is not there does not answer."""
    there = {f"{CONSOLE}/sign-in": Answer(200, {}, PAGE), f"{PUBLIC}/sign-in": Answer(404, {}, b"")}

    def get(_session: object, url: str, *, total_s: float) -> Answer:
        assert total_s
        if url not in there:
            raise requests.ConnectionError
        return there[url]

    monkeypatch.setattr(console_checks, "get", get)
    return there


def verdicts(findings: Iterator[Finding]) -> list[str]:
    return [finding.verdict for finding in findings]


def test_a_console_that_answers_is_right(database: URL, answers: dict[str, Answer]) -> None:
    """R134: at its own address, and not at the public one."""
    assert answers
    assert ["ok", "ok"] == verdicts(check_address(settings(database)))


def test_a_console_that_does_not_answer_is_a_problem(
    database: URL, answers: dict[str, Answer]
) -> None:
    """R134: or another program that answers there, or the public application."""
    answers[f"{CONSOLE}/sign-in"] = Answer(404, {}, b"not found")
    assert ["problem", "ok"] == verdicts(check_address(settings(database)))
    del answers[f"{CONSOLE}/sign-in"]
    assert ["problem", "ok"] == verdicts(check_address(settings(database)))


def test_a_console_at_the_public_name_is_a_problem(
    database: URL, answers: dict[str, Answer]
) -> None:
    """R134: a proxy in between has written another Host."""
    answers[f"{PUBLIC}/sign-in"] = Answer(200, {}, PAGE)

    assert ["ok", "problem"] == verdicts(check_address(settings(database)))


def test_who_may_not_ask_is_told_nothing(database: URL, answers: dict[str, Answer]) -> None:
    """R134: doctor may run outside of CONSOLE_NETWORKS."""
    answers[f"{CONSOLE}/sign-in"] = Answer(404, {}, b"")

    found = check_address(settings(database, CONSOLE_NETWORKS="10.0.0.0/8"))

    assert ["ok", "ok"] == verdicts(found)


def test_the_console_of_this_machine_is_not_asked(database: URL) -> None:
    """R134: it is reached through SSH, and by nothing that could be tried from here."""
    assert ["ok"] == verdicts(check_address(settings(database, CONSOLE_URL="http://localhost:9")))


def test_a_password_alone_is_warned_of(database: URL) -> None:
    """R136: but not where only a network may ask."""
    alone = settings(database)
    inside = settings(database, CONSOLE_NETWORKS="10.0.0.0/8")

    assert ["warning"] == verdicts(check_sign_in(alone, has_operators=True, provider=()))
    assert ["ok"] == verdicts(check_sign_in(inside, has_operators=True, provider=()))
    assert ["warning"] == verdicts(check_sign_in(inside, has_operators=False, provider=()))


def test_what_is_wrong_at_the_provider_is_told(database: URL) -> None:
    """R136: with its fix."""
    at_provider = settings(
        database,
        CONSOLE_SIGN_IN="oidc",
        CONSOLE_OIDC_ISSUER="https://login.shop.example",
        CONSOLE_OIDC_CLIENT_ID="threadlink",
        CONSOLE_OIDC_CLIENT_SECRET="secret",
        CONSOLE_ADMINS="sub:1",
    )
    wrong = [Diagnosis("has no metadata", "CONSOLE_OIDC_ISSUER")]

    first, *rest = check_sign_in(at_provider, has_operators=False, provider=wrong)

    assert ("problem", "CONSOLE_OIDC_ISSUER") == (first.verdict, first.fix)
    assert ["ok"] == [finding.verdict for finding in rest]

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.models import ApiKey
from app.infra import clock
from app.services.container import Services
from tests.browsers import InProcess
from tests.installation import ANA, PAGE
from tests.web.api.conftest import Caller, Holder, add_link, said

ONE = f"/links/{PAGE}/{ANA}"


def ask(client: InProcess, authorization: str | None) -> tuple[int, object, str | None]:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client("GET", f"/api/v1{ONE}", headers=headers)
    body = said(answer)
    body.pop("reference")
    return answer.status, body, answer.headers.get("www-authenticate")


def test_every_invalid_key_gets_the_same_answer(services: Services, client: InProcess) -> None:
    """R93: missing, malformed, unknown, revoked and expired keys are indistinguishable."""
    at = clock.now() - timedelta(days=2)
    revoked, expired = (
        services.write(
            keys.issue, "old", scopes=["links:read"], page_id=None, expires_at=end, at=at
        )
        for end in (None, at + timedelta(days=1))
    )
    services.write(keys.revoke, tokens.id_of(revoked), at=at)
    given = (None, "Bearer", "Basic YTpi", "Bearer x", f"Bearer {tokens.new_key()}")

    answers = [ask(client, one) for one in (*given, f"Bearer {revoked}", f"Bearer {expired}")]

    assert (401, "Bearer") == (answers[0][0], answers[0][2])
    assert [answers[0]] * len(answers) == answers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ONE), ("DELETE", ONE), ("GET", "/links/changes"), ("POST", "/links/lookup")],
)
def test_a_key_allows_what_its_scope_names_and_nothing_else(
    holder: Holder, method: str, path: str
) -> None:
    """R93."""
    answer = holder("messages:send")(method, path)

    assert 403 == answer.status


def test_a_key_in_the_url_is_refused_and_flagged(
    services: Services, bot: Caller, client: InProcess
) -> None:
    """R92: it is in logs and histories by now, and the operator must know."""
    answer = client("GET", f"/api/v1{ONE}?access_token={bot.key}")

    assert (400, "API key exposed") == (answer.status, said(answer)["title"])
    assert bot.key.encode() not in answer.body
    with services.engine.connect() as connection:
        assert connection.execute(select(ApiKey.exposed_at)).scalar_one() is not None


def test_invented_keys_are_rate_limited_before_anything_is_written(
    services: Services, client: InProcess
) -> None:
    """R92, R94: also in a URL; and the log reports none of them as an exposed key."""
    with capture_logs() as told:
        answers = [client("GET", f"/api/v1{ONE}?key={tokens.new_key()}").status for _ in range(22)]

    assert [400] * 20 + [429] * 2 == answers
    with services.engine.connect() as connection:
        assert 20 == connection.execute(text("SELECT sum(failures) FROM throttle")).scalar_one()
    assert [] == [line for line in told if line["event"].startswith("api.")]


def test_refused_keys_are_logged_up_to_the_rate_limit(client: InProcess) -> None:
    """R94, R111: beyond the limit, requests are refused and no longer logged."""
    with capture_logs() as told:
        for _ in range(25):
            ask(client, "Bearer x")

    assert 20 == len([line for line in told if line["event"] == "api.key_refused"])


def test_after_twenty_bad_keys_an_address_has_to_wait(
    services: Services, client: InProcess, bot: Caller
) -> None:
    """R94: but a valid key from the same address is not delayed."""
    add_link(services)
    for _ in range(20):
        ask(client, "Bearer x")

    refused = client("GET", f"/api/v1{ONE}", headers={"Authorization": "Bearer x"})

    assert 429 == refused.status
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert 200 == bot("GET", ONE).status


def test_the_last_use_of_a_key_is_recorded(services: Services, bot: Caller) -> None:
    bot("GET", ONE)

    (key,) = services.read(keys.list_keys)
    assert key.last_used_at is not None


def test_a_revoked_key_fails_on_the_very_next_request(services: Services, bot: Caller) -> None:
    """R92: no process caches keys."""
    before = bot("GET", "/links/changes")

    services.write(keys.revoke, tokens.id_of(bot.key), at=clock.now())

    assert (200, 401) == (before.status, bot("GET", "/links/changes").status)

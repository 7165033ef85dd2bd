"""Unlinking a person in Messenger: retried until Messenger has answered."""

from collections.abc import Iterator

import pytest
import responses
from responses import matchers
from sqlalchemy import URL, select, update
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking import link_queries
from app.linking.graph_unlink import KIND, enqueue_unlink
from app.messenger.types import PageId, Psid
from app.outbox.models import OutboxRow
from app.services.background import make_worker
from app.services.container import Services, build
from app.services.settings import settings_from_env
from tests.linking.factories import linked

PAGE, BEN = PageId("1717527131834678"), Psid("1256217357730577")
UNLINK = "https://graph.facebook.com/v26.0/me/unlink_accounts"


@pytest.fixture
def built(database: URL) -> Iterator[Services]:
    built = build(
        settings_from_env(
            {
                "SECRET_KEY": "x" * 32,
                "PUBLIC_URL": "http://127.0.0.1:8000",
                "DATABASE_URL": database.render_as_string(hide_password=False),
                "APP_ID": "1",
                "APP_SECRET": "app secret of the tests",
                "VERIFY_TOKEN": "verify token of the tests",
                "PAGE_ID": PAGE,
                "PAGE_ACCESS_TOKEN": "page token of the tests",
            }
        )
    )
    yield built
    built.engine.dispose()


def waiting(built: Services) -> int:
    def count(session: Session) -> int:
        waiting = select(OutboxRow).where(OutboxRow.kind == KIND, OutboxRow.state == "waiting")
        return len(session.scalars(waiting).all())

    return built.read(count)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"result": "unlink account success"}, id="done"),
        pytest.param({"error": {"code": 100, "error_subcode": 2018001}}, id="person unknown"),
        pytest.param({"error": {"code": 551}}, id="person gone"),
    ],
)
def test_a_person_is_unlinked_once_graph_has_answered(
    built: Services, answer: dict[str, object]
) -> None:
    built.write(enqueue_unlink, PAGE, BEN, at=clock.now())

    with responses.RequestsMock() as platform:
        asked = matchers.json_params_matcher({"psid": BEN}, strict_match=False)
        status = 400 if "error" in answer else 200
        platform.post(UNLINK, json=answer, status=status, match=[asked])
        make_worker(built, "w").run_once()

    assert 0 == waiting(built)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"error": {"code": 190}}, id="our token is dead"),
        pytest.param({"error": {"code": 4}}, id="too many calls"),
        pytest.param(
            {"error": {"code": 100, "message": "Invalid appsecret_proof provided"}}, id="proof"
        ),
        pytest.param(
            {"error": {"code": 100, "message": "API calls require an appsecret_proof"}},
            id="no proof",
        ),
        pytest.param(
            {"error": {"code": 100, "message": "(#100) Object does not exist, cannot be loaded"}},
            id="may be our permission",
        ),
        pytest.param({"error": {"code": 100, "error_subcode": 33}}, id="may be our path"),
        pytest.param({"error": {"code": 283}}, id="our permission"),
        pytest.param({"error": {"code": 200}}, id="our app"),
        pytest.param({"error": {"code": 80001}}, id="the page's rate limit"),
    ],
)
def test_a_person_stays_to_be_unlinked_while_graph_cannot(
    built: Services, answer: dict[str, object]
) -> None:
    built.write(enqueue_unlink, PAGE, BEN, at=clock.now())

    with responses.RequestsMock() as platform:
        platform.post(UNLINK, json=answer, status=400)
        make_worker(built, "w").run_once()

    assert 1 == waiting(built)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ("This person has not linked an account", "dead"),
        ("API calls require an appsecret_proof", "waiting"),
        ("(#100) Object does not exist due to missing permission", "waiting"),
    ],
)
def test_only_a_refusal_that_may_be_about_the_person_becomes_a_dead_letter(
    built: Services, message: str, state: str
) -> None:
    """Meta documents no answer for somebody who is not linked; what speaks of us stays owed."""
    built.write(enqueue_unlink, PAGE, BEN, at=clock.now())
    built.write(lambda s: s.execute(update(OutboxRow).values(tries=9)))

    with responses.RequestsMock() as platform:
        platform.post(UNLINK, json={"error": {"code": 100, "message": message}}, status=400)
        make_worker(built, "w").run_once()

    assert state == built.read(lambda s: s.scalar(select(OutboxRow.state)))


def test_whoever_has_linked_again_since_is_left_alone(built: Services) -> None:
    """Else an end that Graph took late would take the new link away."""
    built.write(enqueue_unlink, PAGE, BEN, at=clock.now())
    built.write(_link)

    with responses.RequestsMock() as platform:
        make_worker(built, "w").run_once()

        assert 0 == len(platform.calls)
    assert 0 == waiting(built)
    assert built.read(link_queries.find_link, PAGE, BEN) is not None


def _link(session: Session) -> None:
    linked(session, psid=BEN, page_id=PAGE)

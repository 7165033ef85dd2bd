"""Unlinking a person in Messenger: retried until Messenger has answered."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import responses
from responses import matchers
from sqlalchemy import URL, select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra import clock
from app.linking import link_queries
from app.linking.graph_unlink import KIND, UnlinkClient, body_for, enqueue_unlink, unlink_handler
from app.linking.page_pauses import MOST_REFUSALS, PAUSE_S
from app.messenger.errors import GraphError, GraphRefused, GraphThrottled, TokenDead
from app.messenger.types import PageId, Psid
from app.outbox.dispatcher import Dispatcher
from app.outbox.handlers import NotYet
from app.outbox.models import OutboxRow
from app.outbox.queue import Claim
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
                "APP_SECRET": "app-secret-of-the-tests",
                "VERIFY_TOKEN": "verify-token-of-the-tests",
                "PAGE_ID": PAGE,
                "PAGE_ACCESS_TOKEN": "page-token-of-the-tests",
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


OTHER_PAGE = PageId("1717527131834679")
USAGE = json.dumps({PAGE: [{"type": "pages", "estimated_time_to_regain_access": 7}]})


@pytest.mark.parametrize("code", [4, 17, 32, 613, *range(80000, 80015)])
def test_a_rate_limit_is_waited_for_as_long_as_the_usage_header_says(
    built: Services, code: int
) -> None:
    """R104: Graph is not called again before, for none of the Page's people; no try is used up."""
    at = clock.now()
    for psid in ("1", "2", "3"):
        built.write(enqueue_unlink, PAGE, Psid(psid), at=at)
    worker = make_worker(built, "w")

    with responses.RequestsMock() as platform, capture_logs() as logs:
        headers = {"X-Business-Use-Case-Usage": USAGE}
        platform.post(UNLINK, json={"error": {"code": code}}, status=400, headers=headers)
        worker.run_once()
        assert 1 == len(platform.calls)
        built.write(lambda s: s.execute(update(OutboxRow).values(not_before=at)))
        worker.run_once()
        assert 1 == len(platform.calls)

    rows = built.read(lambda s: [(r.tries, r.not_before) for r in s.scalars(select(OutboxRow))])
    assert {1} == {tries for tries, _ in rows}
    assert all(timedelta(minutes=6) < until - at < timedelta(minutes=9) for _, until in rows)
    assert "outbox.target_failing" not in [line["event"] for line in logs]


def test_a_rate_limit_of_one_page_holds_up_no_other(built: Services) -> None:
    """But that of the app (4) holds up all; without a header a minute is waited."""
    graph, now = ByPage(), [0.0]
    unlink = unlink_handler(built.read, graph.clients(), lambda: now[0]).perform

    def is_asked(page: PageId) -> bool:
        before = len(graph.asked)
        with suppress(NotYet):
            unlink(claim_of(page))
        return len(graph.asked) > before

    graph.errors[PAGE] = GraphThrottled(code=80001)
    assert [True, False, True] == [is_asked(page) for page in (PAGE, PAGE, OTHER_PAGE)]

    graph.errors[OTHER_PAGE] = GraphThrottled(code=4)
    assert [True, False, False] == [is_asked(page) for page in (OTHER_PAGE, OTHER_PAGE, PAGE)]
    now[0] = 59.0
    assert not is_asked(OTHER_PAGE)
    now[0] = 60.0
    assert [True, False] == [is_asked(page) for page in (OTHER_PAGE, PAGE)]


def test_the_failure_of_an_unlink_names_the_code(built: Services) -> None:
    built.write(enqueue_unlink, PAGE, BEN, at=clock.now())

    with responses.RequestsMock() as platform:
        error = {"code": 190, "error_subcode": 463, "message": "private"}
        platform.post(UNLINK, json={"error": error}, status=400)
        make_worker(built, "w").run_once()

    assert "TokenDead 190/463" == built.read(lambda s: s.scalar(select(OutboxRow.failure)))


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


class ByPage:
    """Graph, which refuses all that is asked for with some pages' tokens."""

    def __init__(self) -> None:
        self.errors: dict[PageId, GraphError] = {}
        self.asked: list[tuple[PageId, Psid]] = []

    def clients(self) -> dict[PageId, UnlinkClient]:
        return {page: _Client(self, page) for page in (PAGE, OTHER_PAGE)}


@dataclass(frozen=True)
class _Client:
    graph: ByPage
    page: PageId

    def unlink(self, psid: Psid) -> None:
        self.graph.asked.append((self.page, psid))
        if error := self.graph.errors.get(self.page):
            raise error


def claim_of(page: PageId) -> Claim:
    return Claim(1, KIND, body_for(page, BEN), tries=1, created_at=clock.now())


@pytest.mark.parametrize("error", [TokenDead(code=190), GraphRefused(code=200), GraphThrottled()])
def test_a_dead_page_holds_up_no_unlink_of_another(built: Services, error: GraphError) -> None:
    """R100: with a hundred before it, the other page's is made at once, as the clock stands."""
    graph, at = ByPage(), clock.now()
    graph.errors[PAGE] = error
    for number in range(100):
        built.write(enqueue_unlink, PAGE, Psid(f"{number:016d}"), at=at)
    built.write(enqueue_unlink, OTHER_PAGE, BEN, at=at)
    dispatcher = dispatcher_of(built, graph, [at])

    while dispatcher.run_once():
        pass

    assert graph.asked.count((OTHER_PAGE, BEN)) == 1
    assert 100 == waiting(built)
    # The dead one is not asked a hundred times for nothing either.
    assert len(graph.asked) - 1 <= MOST_REFUSALS + 1


def test_a_page_that_was_refused_is_asked_again_and_nothing_of_it_is_lost(built: Services) -> None:
    """R100: ten minutes later one unlink is tried, and once it is made so are the others."""
    graph, now = ByPage(), [clock.now()]
    graph.errors[PAGE] = TokenDead(code=190)
    for number in range(20):
        built.write(enqueue_unlink, PAGE, Psid(f"{number:016d}"), at=now[0])
    dispatcher = dispatcher_of(built, graph, now)
    while dispatcher.run_once():
        pass

    now[0] += timedelta(seconds=1.2 * PAUSE_S)
    before = len(graph.asked)
    while dispatcher.run_once():
        pass
    again = len(graph.asked) - before
    graph.errors.clear()
    now[0] += timedelta(seconds=1.2 * PAUSE_S)
    while dispatcher.run_once():
        pass

    assert again == 1
    assert 0 == waiting(built)


@pytest.mark.parametrize("number", [1, 20])
def test_a_new_token_is_tried_within_minutes_however_long_the_old_one_was_dead(
    built: Services, number: int
) -> None:
    """What is the page's alone uses up no tries: else an unlink waits for a day in the end."""
    graph, now = ByPage(), [clock.now()]
    graph.errors[PAGE] = TokenDead(code=190)
    for psid in range(number):
        built.write(enqueue_unlink, PAGE, Psid(f"{psid:016d}"), at=now[0])
    dispatcher = dispatcher_of(built, graph, now)
    for _ in range(3 * 24 // 2):
        dispatcher.run_once()
        now[0] += timedelta(hours=2)
    while dispatcher.run_once():
        pass

    graph.errors.clear()
    restarted = dispatcher_of(built, graph, now)
    now[0] += timedelta(seconds=1.2 * PAUSE_S)
    while restarted.run_once():
        pass

    assert 0 == waiting(built)


def dispatcher_of(built: Services, graph: ByPage, now: list[datetime]) -> Dispatcher:
    """Return a new worker's dispatcher of unlinks; the time is *now*, by each clock."""

    def seconds() -> float:
        return now[0].timestamp()

    handler = unlink_handler(built.read, graph.clients(), seconds)
    return Dispatcher(KIND, handler, built.writer, lambda: now[0])

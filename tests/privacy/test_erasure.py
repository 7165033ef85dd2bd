"""What a request does: the link ends, the person is gone from every table, and nobody else is."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.infra.database.portions import in_portions
from app.linking import handlers, link_queries, resume
from app.linking.handlers import Policy
from app.messenger.errors import GraphRefused, GraphThrottled, GraphUnavailable
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid
from app.outbox import bot_webhooks, queue
from app.outbox.bot_webhooks import RawDelivery
from app.outbox.handlers import NotYet, RetryLater
from app.outbox.queue import Claim
from app.privacy import requests
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.handler import PeopleOf, finish_due, privacy_handler
from app.privacy.requests import STUCK_AFTER, Source
from app.privacy.values import ErasedPerson, Kind, Request
from app.services.container import Services
from tests.actors import delivery, message
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, MINUTE, OMAR, confirmed, linked, logs_out
from tests.privacy.factories import USER_ID

POLICY = Policy(frozenset({PAGE, OTHER_PAGE}), tells_bot=True)
KEYS = ("a secret key",)
LATER = NOON + timedelta(hours=1)


def named(*people: tuple[PageId, Psid]) -> PeopleOf:
    """Return a Graph that names *people*, whoever is asked about."""

    def people_of(user_id: str) -> Sequence[tuple[PageId, Psid]]:
        assert USER_ID == user_id
        return people

    return people_of


def failing(error: Exception) -> PeopleOf:
    def people_of(_: str) -> Sequence[tuple[PageId, Psid]]:
        raise error

    return people_of


def ask(services: Services, kind: Kind = "deletion", what: str = "x", at: datetime = LATER) -> str:
    return services.write(
        requests.take, Source(kind, what), secret_keys=KEYS, user_id=USER_ID, at=at
    ).reference


def work(services: Services, reference: str, people_of: PeopleOf, at: datetime = LATER) -> Request:
    """Have the worker do the request, as it does an item of the outbox."""
    handler = privacy_handler(services.writer, people_of, POLICY, lambda: at)
    handler.perform(Claim(1, requests.ITEM_KIND, reference.encode(), 1, at))
    return found(services, reference)


def found(services: Services, reference: str) -> Request:
    request = services.read(requests.find, reference)
    assert request is not None
    return request


def finish(services: Services, at: datetime) -> None:
    for _ in finish_due(services.writer, at):
        pass


def everything(services: Services) -> str:
    with services.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return "\n".join(
            f"{table} {dict(row)}"
            for table in tables
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608 - our own tables
        )


def tables_with(services: Services, words: str) -> set[str]:
    """Return the tables of which a row holds *words*."""
    return {line.split()[0] for line in everything(services).splitlines() if words in line}


def live(session: Session) -> None:
    """Give Ana and Ben a link, an attempt on its way, and items that wait in the outbox."""
    for psid, name in ((ANA, JANE), (BEN, OMAR)):
        linked(session, psid=psid, as_=name, at=NOON)
        state = resume.keep(session, PAGE, psid, f"resume of {psid}", at=NOON)
        confirmed(session, psid=psid, as_=name, state_ref=state, at=NOON + MINUTE)
        body = delivery(message(psid, f"private words of {psid}", NOON))
        bot_webhooks.item_of(RawDelivery(body, {}), at=NOON)(session)
        notice = {
            "type": "link.created",
            "data": {"page_id": PAGE, "psid": psid, "messenger_name": "Ana Berg"},
        }
        bot_webhooks.enqueue_notice(session, json.dumps(notice).encode(), reference=None, at=NOON)
        queue.enqueue(session, "graph.unlink", json.dumps([PAGE, psid]).encode(), at=NOON)


def test_a_deletion_leaves_a_tombstone_and_then_nothing(services: Services) -> None:
    services.write(live)
    ben_before = everything(services).count(BEN)

    reference = ask(services)
    request = work(services, reference, named((PAGE, ANA)))

    assert ("ended", 1) == (request.state, request.found)
    assert services.read(link_queries.find_link, PAGE, ANA) is None
    # The end is told to the bot and to Messenger, by numbers.
    assert {"link", "outbox", "privacy_request"} == tables_with(services, ANA)
    hers = [line for line in everything(services).splitlines() if ANA in line]
    assert not any("Ana Berg" in line or str(JANE.display_name) in line for line in hers)
    assert USER_ID not in everything(services)
    assert f"private words of {ANA}" not in everything(services)
    assert f"resume of {ANA}" not in everything(services)

    finish(services, LATER + TOMBSTONE_KEPT - MINUTE)
    assert "link" in tables_with(services, ANA)
    finish(services, LATER + TOMBSTONE_KEPT)

    assert set() == tables_with(services, ANA)
    assert "done" == found(services, reference).state
    # Nobody else has lost anything.
    assert services.read(link_queries.find_link, PAGE, BEN) is not None
    assert ben_before == everything(services).count(BEN)


def test_no_name_is_told_once_more(services: Services) -> None:
    """The notice of the end is the one that has names, otherwise."""
    services.write(live)

    work(services, ask(services), named((PAGE, ANA)))

    rows = [
        line
        for line in everything(services).splitlines()
        if line.startswith("outbox") and ANA in line and "notice" in line
    ]
    assert 1 == len(rows)
    assert "link.removed" in rows[0]
    assert "data deletion" in rows[0]
    assert "Ana Berg" not in rows[0]
    assert str(JANE.display_name) not in rows[0]


@on_sqlite
def test_a_delivery_that_holds_others_too_goes_to_the_bot(services: Services) -> None:
    body = delivery(message(ANA, "hers", NOON), message(BEN, "his", NOON))
    services.write(bot_webhooks.item_of(RawDelivery(body, {}), at=NOON))

    work(services, ask(services), named((PAGE, ANA)))

    assert {"outbox", "privacy_request"} == tables_with(services, ANA)


@on_sqlite
def test_what_was_written_since_is_not_asked_about(services: Services) -> None:
    body = delivery(message(ANA, "a new question", LATER))
    reference = ask(services)
    services.write(bot_webhooks.item_of(RawDelivery(body, {}), at=LATER + 2 * MINUTE))

    work(services, reference, named((PAGE, ANA)), at=LATER + 3 * MINUTE)

    assert "outbox" in tables_with(services, "a new question")


def test_whoever_has_connected_since_stays_connected_and_loses_what_is_older(
    services: Services,
) -> None:
    """A request that waited for weeks, or is a repeat of an old one, ends no newer link."""
    services.write(live)
    reference = ask(services, at=NOON + 2 * MINUTE)
    services.write(lambda session: _comes_back(session, NOON + 5 * MINUTE))

    request = work(services, reference, named((PAGE, ANA)), at=LATER)
    finish(services, LATER + TOMBSTONE_KEPT)

    link = services.read(link_queries.find_link, PAGE, ANA)
    assert link is not None
    assert JANE.display_name == link.display_name
    assert 1 == request.found
    hers = [line for line in everything(services).splitlines() if ANA in line]
    left = sorted(line.split()[0] for line in hers if "graph.unlink" not in line)
    assert ["attempt", "link", "link_event", "outbox"] == left
    assert any("a new link" in line for line in hers)


def _comes_back(session: Session, at: datetime) -> None:
    linked(session, psid=ANA, at=at)
    notice = {"type": "link.created", "data": {"page_id": PAGE, "psid": ANA, "is": "a new link"}}
    bot_webhooks.enqueue_notice(session, json.dumps(notice).encode(), reference=None, at=at)


@on_sqlite
@pytest.mark.parametrize("kind", ["deletion", "deauthorize"])
def test_a_link_that_is_made_at_this_moment_stands(
    kind: Kind, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event has the attempt first, and is waited for: then the link is a newer one."""
    reference = ask(services, kind, at=NOON)

    def waits(session: Session, *_: object, **__: object) -> int:
        linked(session, psid=ANA, at=NOON + 2 * MINUTE)
        return 0

    monkeypatch.setattr("app.linking.voiding.void_of_person", waits)
    work(services, reference, named((PAGE, ANA)))

    link = services.read(link_queries.find_link, PAGE, ANA)
    assert link is not None
    assert JANE.display_name == link.display_name


@on_sqlite
def test_whoever_is_erased_while_an_operator_closes_the_request_is_not_lost(
    services: Services,
) -> None:
    """Else the row of the ended link, with the ids, would stay for ever."""
    reference = ask(services)
    people = [ErasedPerson(PAGE, psid, 2, was_held=True) for psid in (ANA, BEN)]

    for some in ((), people[:1], people[1:], people[:1], ()):
        services.write(requests.end, reference, some, at=LATER)

    request = found(services, reference)
    assert ("ended", None, 2) == (request.state, request.done_at, request.found)
    assert people == [*request.people]


@on_sqlite
def test_a_long_list_is_done_by_one_sweep(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tombstones of a list of Meta's would stay for weeks longer than the page says."""
    monkeypatch.setattr(requests, "PORTION", 2)
    psids = [Psid(str(number)) for number in range(5)]
    references = [ask(services, what=psid) for psid in psids]
    for reference, psid in zip(references, psids, strict=True):
        work(services, reference, named((PAGE, psid)))

    finish(services, LATER + TOMBSTONE_KEPT)

    assert {"done"} == {found(services, reference).state for reference in references}


def test_whoever_comes_back_within_the_week_keeps_the_new_link(services: Services) -> None:
    services.write(live)
    work(services, ask(services), named((PAGE, ANA)))
    services.write(lambda session: linked(session, psid=ANA, at=LATER + MINUTE))

    finish(services, LATER + TOMBSTONE_KEPT)

    assert services.read(link_queries.find_link, PAGE, ANA) is not None


@on_sqlite
def test_a_late_event_of_messengers_makes_no_link_and_goes_with_the_rest(
    services: Services,
) -> None:
    code = services.write(lambda session: confirmed(session, psid=ANA, at=NOON))
    work(services, ask(services), named((PAGE, ANA)))
    services.write(lambda session: _comes_late(session, code))

    assert services.read(link_queries.find_link, PAGE, ANA) is None
    finish(services, LATER + TOMBSTONE_KEPT)
    assert set() == tables_with(services, ANA)


def _comes_late(session: Session, code: str) -> None:
    late = LATER + MINUTE
    for event in (
        AccountLinked(PAGE, ANA, NOON + MINUTE, code),
        AccountUnlinked(PAGE, ANA, NOON + 2 * MINUTE),
    ):
        handlers.handle(session, event, policy=POLICY, at=late)


def test_deauthorize_ends_the_links_and_erases_nothing_else(services: Services) -> None:
    services.write(live)

    request = work(services, ask(services, "deauthorize"), named((PAGE, ANA)))

    assert ("done", 1) == (request.state, request.found)
    assert services.read(link_queries.find_link, PAGE, ANA) is None
    assert {"attempt", "link", "link_event", "outbox", "resume"} == tables_with(services, ANA)


@on_sqlite
def test_of_whom_a_button_alone_is_kept_that_goes_too(services: Services) -> None:
    """R132: and a button that the bot has sent since the request stays."""
    reference = ask(services)
    for psid, at in ((ANA, NOON), (ANA, LATER + 2 * MINUTE), (BEN, NOON)):
        services.write(resume.keep, PAGE, psid, f"resume of {psid} at {at}", at=at)
    services.write(lambda session: linked(session, psid=ANA, at=LATER + 2 * MINUTE))

    request = work(services, reference, named((PAGE, ANA), (OTHER_PAGE, BEN)))

    assert 1 == request.found
    left = [line for line in everything(services).splitlines() if line.startswith("resume ")]
    assert 2 == len(left)
    assert f"resume of {ANA} at {NOON}" not in everything(services)


@on_sqlite
def test_a_request_is_done_once(services: Services) -> None:
    """An item that is tried again, after a kill or by two workers, changes nothing."""
    services.write(live)
    reference = ask(services)
    work(services, reference, named((PAGE, ANA)))
    before = everything(services)

    work(services, reference, failing(AssertionError("asked again")))

    assert before == everything(services)


@on_sqlite
@pytest.mark.parametrize(
    "people_of",
    [
        pytest.param(named(), id="nobody is named"),
        pytest.param(failing(GraphRefused("no")), id="Graph refuses"),
    ],
)
def test_what_graph_does_not_tell_is_the_operators_duty(
    people_of: PeopleOf, services: Services
) -> None:
    """It is never taken for "nothing is kept": Meta names nobody in Europe and Japan."""
    request = work(services, ask(services), people_of)

    assert ("duty", USER_ID, None) == (request.state, request.user_id, request.found)
    assert 1 == services.read(requests.duties, at=LATER).count


@on_sqlite
@pytest.mark.parametrize(
    ("error", "raised"), [(GraphUnavailable("x"), RetryLater), (GraphThrottled("x"), NotYet)]
)
def test_graph_that_does_not_answer_is_asked_again(
    error: Exception, raised: type[Exception], services: Services
) -> None:
    reference = ask(services)

    with pytest.raises(raised):
        work(services, reference, failing(error))

    assert "received" == found(services, reference).state
    assert 0 == services.read(requests.duties, at=LATER).count
    assert 1 == services.read(requests.duties, at=LATER + STUCK_AFTER).count


@on_sqlite
def test_a_key_that_was_replaced_still_knows_a_repeat(services: Services) -> None:
    source = Source("deletion", "x")
    first = services.write(requests.take, source, secret_keys=KEYS, user_id=USER_ID, at=NOON)

    again = services.write(
        requests.take, source, secret_keys=("new", *KEYS), user_id=USER_ID, at=NOON
    )

    assert (first.code, False) == (again.code, again.is_new)


@on_sqlite
def test_two_requests_with_one_reference_are_two(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the second person would have a code that leads to nothing."""
    monkeypatch.setattr(
        requests, "reference_of", lambda text: "aaaa-aaaa" if len(text) == 64 else "b"
    )

    first, second = ask(services, what="x"), ask(services, what="y")

    assert ("aaaa-aaaa", "b") == (first, second)


@on_sqlite
def test_a_code_opens_its_own_request_and_no_text_opens_another(services: Services) -> None:
    take = services.write(requests.take, Source("deletion", "x"), secret_keys=KEYS, at=NOON)

    assert services.read(requests.find_by_code, take.code) is not None
    for typed in (take.reference, take.code.upper(), f"{take.code}\n", "", "%", "\x00", "a" * 26):
        assert services.read(requests.find_by_code, typed) is None


@on_sqlite
def test_requests_go_after_a_while(services: Services) -> None:
    reference = ask(services)
    work(services, reference, named((OTHER_PAGE, ANA)))
    finish(services, LATER + TOMBSTONE_KEPT)
    done_at = found(services, reference).done_at
    assert done_at is not None

    assert [] == [*in_portions(services.writer, requests.old(done_at - MINUTE))]
    assert [1] == [*in_portions(services.writer, requests.old(done_at))]


@on_sqlite
def test_ended_links_and_people_without_a_link_are_erased_too(services: Services) -> None:
    services.write(lambda session: linked(session, psid=ANA, at=NOON))
    services.write(lambda session: logs_out(session, psid=ANA, event_at=NOON + MINUTE))
    services.write(lambda session: confirmed(session, psid=BEN, as_=OMAR, at=NOON))

    request = work(services, ask(services), named((PAGE, ANA), (PAGE, BEN)))
    finish(services, LATER + TOMBSTONE_KEPT)

    assert 2 == request.found
    assert set() == tables_with(services, ANA) | tables_with(services, BEN)


@on_sqlite
def test_a_restart_goes_on_where_it_was_ended(services: Services) -> None:
    """Whom the request is about is stored before anything is erased, and Graph not asked again."""
    services.write(live)
    reference = ask(services)
    people = (ErasedPerson(PAGE, ANA),)
    services.write(requests.know_people, reference, people)

    request = work(services, reference, failing(AssertionError("asked again")))

    assert "ended" == request.state

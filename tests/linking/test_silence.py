"""What an operator is told about an attempt that Messenger never confirmed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.linking import delivery_counts, timeline
from app.linking.models import Attempt
from app.services.container import Services
from tests.actors import Graph, Person, log_in
from tests.installation import ANA


@pytest.fixture
def confirmed(services: Services, jane: str, graph: Graph, person: Person) -> Attempt:
    """Return an attempt that was sent back with a code."""
    assert jane
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    person.connects()
    return services.read(lambda session: session.scalars(select(Attempt)).one())


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        pytest.param({}, "no delivery of any kind came", id="nothing came"),
        pytest.param({"refused": 3}, "3 deliveries came meanwhile and were refused", id="refused"),
        pytest.param(
            {"current": 2, "previous": 1, "refused": 1},
            "3 other deliveries came meanwhile (1 were refused",
            id="others came",
        ),
    ],
)
def test_a_silence_is_explained_by_what_was_seen_meanwhile(
    services: Services, confirmed: Attempt, counts: dict[delivery_counts.Signer, int], told: str
) -> None:
    assert confirmed.confirmed_at
    minute = delivery_counts.minute_of(confirmed.confirmed_at)
    if counts:
        rows = {(minute, outcome): number for outcome, number in counts.items()}
        services.write(delivery_counts.add, rows)

    later = confirmed.confirmed_at + timedelta(minutes=3)
    heard = services.read(timeline.timeline_of, confirmed.reference, at=later)

    assert heard is not None
    assert told in heard.conclusion


def test_nothing_is_concluded_while_messenger_may_still_come(
    services: Services, confirmed: Attempt
) -> None:
    assert confirmed.confirmed_at

    soon = confirmed.confirmed_at + timedelta(minutes=2)
    heard = services.read(timeline.timeline_of, confirmed.reference, at=soon)

    assert heard is not None
    assert timeline.CONCLUSIONS["confirmed"] == heard.conclusion

"""One link from end to end over HTTP, as the person and Messenger see it."""

import pytest

from app.infra import clock
from app.linking import link_queries
from app.services.container import Services
from tests.actors import Graph, Messenger, Person, linked, log_in, unlinked
from tests.installation import ANA, PAGE


def test_a_person_connects_and_messenger_makes_it_stand(
    services: Services, jane: str, graph: Graph, person: Person, messenger: Messenger
) -> None:
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    code = person.connects()

    answer = messenger.tells(linked(ANA, code, clock.now()))

    assert 200 == answer.status
    link = services.read(link_queries.find_link, PAGE, ANA)
    assert link is not None
    assert link.user is not None
    assert jane == link.user.subject


@pytest.mark.usefixtures("jane")
def test_a_log_out_in_messenger_ends_the_link(
    services: Services, graph: Graph, person: Person, messenger: Messenger
) -> None:
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    messenger.tells(linked(ANA, person.connects(), clock.now()))

    answer = messenger.tells(unlinked(ANA, clock.now()))

    assert 200 == answer.status
    assert services.read(link_queries.find_link, PAGE, ANA) is None

"""The conversations of a page, by which a withheld name can be found."""

import pytest
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from tests.emulator.conftest import PAGE, Person, error

ASKED = "platform=messenger&fields=participants&limit=1"
CONVERSATIONS = f"/v26.0/{PAGE}/conversations"


def test_a_conversation_names_the_person_and_the_page(graph: FlaskClient, ana: Person) -> None:
    """https://developers.facebook.com/docs/graph-api/reference/page/conversations"""
    answer = graph.get(f"{CONVERSATIONS}?{ASKED}&user_id={ana.psid}").get_json()

    (conversation,) = answer["data"]
    assert {"id", "participants"} == set(conversation)
    participants = {each["id"]: each["name"] for each in conversation["participants"]["data"]}
    assert {ana.psid, PAGE} == set(participants)
    assert ana.thread.person == participants[ana.psid]


def test_without_a_person_there_are_all_up_to_the_limit(
    graph: FlaskClient, emulator: Emulator
) -> None:
    people = len(emulator.state.threads(PAGE))

    everybody = graph.get(CONVERSATIONS).get_json()["data"]
    one = graph.get("/v26.0/me/conversations?limit=1").get_json()["data"]

    assert people == len(everybody) > 1 == len(one)


@pytest.mark.parametrize("query", ["user_id=1", "platform=instagram"])
def test_nobody_is_found_elsewhere(graph: FlaskClient, query: str) -> None:
    assert {"data": []} == graph.get(f"{CONVERSATIONS}?{query}").get_json()


@pytest.mark.parametrize("query", ["fields=participants,senders", "limit=0", "limit=x"])
def test_what_is_not_there_cannot_be_asked_for(graph: FlaskClient, query: str) -> None:
    assert 100 == error(graph.get(f"{CONVERSATIONS}?{query}"))["code"]


def test_a_page_asks_twice_a_second(graph: FlaskClient) -> None:
    """.../messenger-platform/overview/rate-limiting: two calls a second for each Page."""
    answers = [graph.get(CONVERSATIONS) for _ in range(3)]

    assert [200, 200, 400] == [answer.status_code for answer in answers]
    assert 613 == error(answers[-1])["code"]


@pytest.mark.parametrize("fault", ["conversations-foreign", "conversations-placeholder"])
def test_a_fault_hides_the_person(
    graph: FlaskClient, emulator: Emulator, ana: Person, fault: str
) -> None:
    emulator.faults.turn_on(fault)

    answer = graph.get(f"{CONVERSATIONS}?{ASKED}&user_id={ana.psid}").get_json()

    named = {"id": ana.psid, "name": ana.thread.person, "email": f"{ana.psid}@facebook.com"}
    assert named not in answer["data"][0]["participants"]["data"]

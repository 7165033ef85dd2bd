"""What the bot gives with its Log In button, from its request to its notice (R132)."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import URL
from structlog.testing import capture_logs

from app import create_app
from app.api_keys import service as keys
from app.api_keys.service import SCOPES
from app.infra import clock
from app.infra.observability import logs
from app.services.container import Services, build
from tests.actors import Graph, Messenger, linked, log_in
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, PAGE, PUBLIC_URL, add_jane, settings_for
from tests.linking.test_notices import SECRET, notices
from tests.web.api.conftest import Caller, said
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = on_sqlite
ORDER = "order 1042, “gift” 🎁"


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    bot = {"BOT_WEBHOOK_URL": "http://127.0.0.1:1/notices", "BOT_WEBHOOK_SECRET": SECRET}
    services = build(settings_for(database, **bot), limit_seconds=60)
    add_jane(services)
    yield services
    services.close()


@pytest.fixture
def bot(services: Services) -> Caller:
    key = services.write(
        keys.issue, "bot", scopes=SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    return Caller(create_app(services), key)


def sent_button(bot: Caller, graph: Graph, **more: str) -> dict[str, str]:
    """Send a Log In button to Ana; return the parameters of its address."""
    body = {"kind": "login", "psid": ANA, "text": "Connect", **more}
    answer = bot("POST", f"/pages/{PAGE}/buttons", **body)
    assert 200 == answer.status, answer.text
    message = json.loads(graph.messages[-1])["message"]
    (button,) = message["attachment"]["payload"]["buttons"]
    return {name: values[0] for name, values in parse_qs(urlsplit(button["url"]).query).items()}


def links(services: Services, graph: Graph, psid: str, state: str) -> list[str]:
    """Link *psid* by a button with *state*; return all that the browser was shown and sent."""
    login, person = log_in(), PageVisitor(create_app(services))
    graph.knows(login, psid)
    shown = [person.taps_log_in(login, state=state).text]
    shown.append(person.signs_in().text)
    code = person.connects()
    shown.append(person.sees.location)
    messenger = Messenger(InProcess(create_app(services), PUBLIC_URL))
    messenger.tells(linked(psid, code, clock.now()))
    return shown


def resumed(services: Services) -> list[Any]:
    return [(notice["type"], notice["data"]["resume"]) for notice in notices(services)]


def test_a_text_of_the_bot_comes_back_with_the_link_and_nowhere_else(
    services: Services, bot: Caller, graph: Graph
) -> None:
    """R132: no page, address, log line or look-up has it."""
    logs.configure(level="debug", form="json")
    with capture_logs() as told:
        address = sent_button(bot, graph, resume=ORDER)
        shown = links(services, graph, ANA, address["state"])

    assert [("link.created", ORDER)] == resumed(services)
    answers = [bot("GET", f"/links/{PAGE}/{ANA}"), bot("GET", "/links/changes")]
    assert [200, 200] == [answer.status for answer in answers]
    assert "resume" not in said(answers[0])
    assert told
    places = (*shown, str(told), *(answer.text for answer in answers), str(address))
    assert [] == [place for place in places if "1042" in place]
    assert [] == [place for place in (*shown, str(told)) if address["state"] in place]
    assert 0 == StoredRows(services).count("resume")


def test_without_one_the_address_is_that_of_before(bot: Caller, graph: Graph) -> None:

    assert "state" not in sent_button(bot, graph)


def test_a_button_of_the_bots_own_brings_its_state_back(services: Services, graph: Graph) -> None:
    links(services, graph, ANA, "order-1042")

    assert [("link.created", "order-1042")] == resumed(services)


def test_a_button_that_was_passed_on_tells_nothing(
    services: Services, bot: Caller, graph: Graph
) -> None:
    """R132: Ben got the address of Ana's button."""
    state = sent_button(bot, graph, resume=ORDER)["state"]

    links(services, graph, BEN, state)
    links(services, graph, ANA, state)

    assert [("link.created", None), ("link.created", ORDER)] == resumed(services)


@pytest.mark.parametrize("more", ["&state=b", "&state[]=b", "&state%5B0%5D=b"])
def test_two_states_are_as_good_as_none(services: Services, graph: Graph, more: str) -> None:
    """R132: programs differ in which they would read; the link is made all the same."""
    login, person = log_in(), PageVisitor(create_app(services))
    graph.knows(login, ANA)

    answer = person.opens(f"{login.address(state='a')}{more}")

    assert 303 == answer.status
    assert StoredRows(services).column("attempt", "state_ref") is None


def test_not_you_forgets_it(services: Services, graph: Graph) -> None:
    login, person = log_in(), PageVisitor(create_app(services))
    graph.knows(login, ANA)
    person.taps_log_in(login, state="order-1042")
    person.signs_in()
    assert "order-1042" == StoredRows(services).column("attempt", "state_ref")

    person.presses("Use a different account")

    assert StoredRows(services).column("attempt", "state_ref") is None

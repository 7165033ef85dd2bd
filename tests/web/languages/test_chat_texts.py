"""The message with the code, in the language of the page that asks for it."""

import json
import re
from dataclasses import replace

import pytest

from app import create_app
from app.infra.settings.languages import PSEUDO, SHIPPED
from app.services.container import Services
from app.web.pages import chat_code
from tests.actors import Graph, log_in
from tests.installation import ANA, PASSWORD, USERNAME, settings_for
from tests.web.languages import catalogues
from tests.web.page_visitor import PageVisitor

MOST_CHARACTERS = 320
LONGEST_NAME = 75


@pytest.mark.parametrize("language", sorted({*SHIPPED, *catalogues.languages(), PSEUDO}))
def test_the_message_with_the_code_is_short_in_every_language(language: str) -> None:
    text = chat_code.text_of("759001", "x" * LONGEST_NAME, language)
    assert len(text) <= MOST_CHARACTERS
    assert "759 001" in text


def test_what_is_put_into_the_message_turns_nothing_around() -> None:
    """The code, and a name in another script."""
    assert (
        "\u2068759 001\u2069 is your \u2068عربي\u2069 code. It connects this Messenger profile "
        "to an account. Don’t share it with anyone."
    ) == chat_code.text_of("759001", "عربي", "en")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("jane")
def test_the_message_is_in_the_language_of_the_page_and_the_code_is_good_with_its_marks(
    services: Services, graph: Graph
) -> None:
    changed = {"LANGUAGES": "en en-XA", "CONFIRM_IN_CHAT": "always"}
    settings = settings_for(services.settings.database_url, **changed)
    person = PageVisitor(create_app(replace(services, settings=settings)))
    login = log_in()
    graph.knows(login, ANA)
    form = person.taps_log_in(login).forms[0]
    who = {"username": USERNAME, "password": PASSWORD}
    person.sends(form, headers={"Accept-Language": PSEUDO}, **who)
    message = json.loads(graph.messages[-1])
    assert "šĥåŕé" in message["message"]["text"]

    person.follows()
    copied = "\u2068" + re.findall(r"\d{3} \d{3}", message["message"]["text"])[0] + "\u2069"
    assert 303 == person.presses("Connect", code=copied).status
    assert "authorization_code=" in person.sees.location

"""Transactions know nothing of Flask: what use cases need is passed in as values.

`tests/web/conftest.py` hides Flask from the use cases in every test of the web.
"""

import json
import re
from dataclasses import replace

import pytest
from flask import Flask, current_app, request
from sqlalchemy.orm import Session

from app import create_app
from app.infra import clock
from app.linking import link_queries
from app.services.container import Services
from app.web.fast_paths import FastPaths
from app.web.server.asgi import AsgiGateway
from tests.actors import Graph, Messenger, linked, log_in, unlinked
from tests.conftest import on_sqlite
from tests.installation import ANA, PAGE, PUBLIC_URL
from tests.web.gateway_client import GatewayClient
from tests.web.page_visitor import PageVisitor

pytestmark = on_sqlite


def reads_the_application(_: Session) -> str:
    return current_app.name


def reads_the_request(_: Session) -> str:
    return request.path


@pytest.mark.parametrize("use_case", [reads_the_application, reads_the_request])
def test_a_use_case_that_reads_flask_s_globals_fails(
    app: Flask, services: Services, use_case: object
) -> None:
    with app.test_request_context("/authorize"):
        for run in (services.write, services.read):
            with pytest.raises(RuntimeError, match="outside of"):
                run(use_case)  # type: ignore[arg-type]


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("is_fast", [True, False], ids=["fast path", "Flask"])
def test_a_person_is_linked_and_unlinked_without_flask_in_a_transaction(
    services: Services, graph: Graph, *, is_fast: bool
) -> None:
    asking = replace(services, settings=replace(services.settings, confirm_in_chat="always"))
    app = create_app(asking)
    gateway = AsgiGateway(app, threads=1, fast_path=FastPaths(asking) if is_fast else None)
    messenger = Messenger(GatewayClient(gateway, PUBLIC_URL))
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(app)
    person.taps_log_in(login)

    assert 422 == person.signs_in(password="a wrong one").status
    person.signs_in()
    assert 422 == person.presses("Connect", code="wrong").status
    (text,) = [json.loads(body)["message"]["text"] for body in graph.messages]
    (code,) = re.findall(r"[0-9]{3} [0-9]{3}", text)
    person.presses("Connect", code=code)
    code = person.sees.location.rpartition("authorization_code=")[2]
    messenger.tells(linked(ANA, code, clock.now()))
    was_linked = services.read(link_queries.find_link, PAGE, ANA) is not None
    messenger.tells(unlinked(ANA, clock.now()))
    asking.delivery_counter.close()

    assert was_linked
    assert services.read(link_queries.find_link, PAGE, ANA) is None

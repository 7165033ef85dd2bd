"""No page can be framed (R74)."""

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlalchemy import URL
from werkzeug.wrappers import Request, Response

from app.cli.listening import listening
from app.cli.serving import serving
from app.services.container import build
from tests.actors import Graph, log_in
from tests.browsers import Answer
from tests.installation import ANA, add_jane, settings_for
from tests.journeys.facebook_redirects import served
from tests.web.page_visitor import PageVisitor

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

NOWHERE = "frame-ancestors 'none'"


def _may_not_be_framed(answer: Answer) -> bool:
    is_page = answer.headers["content-type"].startswith("text/html")
    return NOWHERE in answer.headers["content-security-policy"] and (
        not is_page or answer.headers["x-frame-options"] == "DENY"
    )


@pytest.mark.usefixtures("jane")
def test_no_answer_of_an_attempt_may_be_framed(app: Flask, graph: Graph) -> None:
    """R74: sign-in, refusal, confirmation, redirect, and every state after it."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(app)
    seen = [person.opens(login.address())]
    seen.append(person.follows())
    seen.append(person.signs_in(password="wrong"))
    seen.append(person.signs_in())
    question = person.sees.form("Connect")
    seen.append(person.presses("Connect"))
    seen.append(person.opens(question.action))

    assert [303, 200, 422, 200, 303, 200] == [answer.status for answer in seen]
    assert all(map(_may_not_be_framed, seen))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/authorize", 400),
        ("GET", "/authorize/nobody", 400),
        ("GET", "/nothing", 404),
        ("GET", "/api/docs", 200),
        ("GET", "/api/v1/openapi.json", 200),
        ("GET", "/api/v1/links/changes", 401),
        ("DELETE", "/webhook", 405),
        ("POST", "/webhook", 403),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 404),
    ],
)
def test_no_other_answer_may_be_framed(app: Flask, method: str, path: str, status: int) -> None:
    """R74: no setting allows it either."""
    answer = PageVisitor(app).browser(method, path)

    assert status == answer.status
    assert _may_not_be_framed(answer)


def test_chromium_shows_no_page_in_a_frame(database: URL, browser: Browser, graph: Graph) -> None:
    """R74: not even in a page of the same host."""
    login = log_in()
    graph.knows(login, ANA)
    with listening("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        services = build(settings_for(database, PUBLIC_URL=url))
        add_jane(services)
        frame = f'<!doctype html><title>Win!</title><iframe src="{url}{login.address()}"></iframe>'

        @Request.application
        def evil(_request: Request) -> Response:
            return Response(frame.replace("&", "&amp;"), mimetype="text/html")

        with (
            serving(services, listener),
            served(evil, "127.0.0.1") as origin,
            browser.new_context() as context,
        ):
            page = context.new_page()
            with page.expect_event("console", lambda said: NOWHERE in said.text) as refused:
                page.goto(origin)
            shown = [frame.content() for frame in page.frames if frame != page.main_frame]

    assert "frame" in refused.value.text
    assert "Log in" not in "".join(shown)

"""A form of a browser session that is sent twice: both posts carry the cookie of before (R13)."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app.services.container import Services, build
from tests.browsers import Answer, Form
from tests.installation import PASSWORD, USERNAME, settings_for
from tests.web.page_visitor import PageVisitor
from tests.web.second_road import SETTINGS, Shopper
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DOORS = pytest.mark.parametrize("door", ["/connect", "/connections"])
NOT_YOU = "Use a different account"


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(settings_for(database, **SETTINGS), limit_seconds=60)
    yield services
    services.close()


def sent_twice(app: Flask, cookie: str, form: Form, **typed: str) -> tuple[Answer, Answer]:
    """Return both answers to a *form* of which the second is sent before the first is answered."""
    browser, headers = PageVisitor(app, keeps_cookies=False), {"Cookie": cookie}
    return (
        browser.sends(form, headers=headers, **typed),
        browser.sends(form, headers=headers, **typed),
    )


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def seen_after(app: Flask, answer: Answer) -> Answer:
    """Return the page to which *answer* leads a browser that has its cookie."""
    browser = PageVisitor(app, keeps_cookies=False)
    return browser.opens(answer.location, Cookie=cookie_of(answer))


@DOORS
def test_a_double_tap_on_not_you_ends_at_the_form(
    app: Flask, services: Services, jane: str, door: str
) -> None:
    """As within an attempt: whichever answer the browser takes last is good."""
    shopper = Shopper(app)
    shopper.comes(door)
    shopper.presses("Log in", username=USERNAME, password=PASSWORD)
    cookie = cookie_of(shopper.sees)
    form = shopper.follows().form(NOT_YOU)

    answers = sent_twice(app, cookie, form)

    assert [303, 303] == [answer.status for answer in answers]
    for answer in answers:
        page = seen_after(app, answer)
        assert "Log in" in {form.button for form in page.forms}
    assert jane
    assert 0 == StoredRows(services).count("browser_session", "subject IS NOT NULL")

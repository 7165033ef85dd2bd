"""From the first page to every cause with its sentence and its fix, in three clicks at most."""

import re
from collections.abc import Callable

from flask import Flask

from app.infra import clock
from app.linking.causes.table import CAUSES
from app.linking.timeline import timeline_of
from app.operators.roles import Role
from app.services.container import Services
from tests.browsers import Answer
from tests.web.console.made_attempts import make_every_cause
from tests.web.console.pages_read import links_of, tables_of, words_of
from tests.web.console.staff import Staff

SignedIn = Callable[[Role], Staff]
# What is not over is in no figure of causes: it is a link of its own.
BY_STAGE = {"waiting": "/attempts?stage=confirmed"}


def test_every_cause_is_three_clicks_from_the_first_page_at_most(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R140: who may see no person finds all of them, with the fix, and an attempt that shows it."""
    references = make_every_cause(services, clock.now())
    console.extensions["threadlink-console"].pace.allows = lambda *_: True
    viewer = signed_in(Role.VIEWER)

    for slug, reference in references.items():
        clicks = 0
        if slug in BY_STAGE:
            viewer.opens(chosen(viewer.opens("/"), BY_STAGE[slug]))
            clicks += 1
        else:
            viewer.opens("/")
        viewer.opens(chosen(viewer.sees, f"/causes/{slug}"))
        clicks += 1
        cause = CAUSES[slug]
        page = words_of(viewer.sees.text)
        assert all(part in page for part in sure_parts(cause.sentence)), slug
        assert all(part in page for part in sure_parts(cause.fix.replace("`", ""))), slug
        assert cause.answer in page, slug
        viewer.opens(chosen(viewer.sees, f"/attempts/{reference}"))
        clicks += 1
        told = services.read(timeline_of, reference, at=clock.now())
        assert told is not None
        page = words_of(viewer.sees.text)
        assert " ".join(told.conclusion.sentence.split()) in page, slug
        assert " ".join(told.conclusion.fix.split()) in page, slug
        assert clicks <= 3, slug


def test_a_reference_of_a_customer_is_one_form_away(
    services: Services, signed_in: SignedIn
) -> None:
    references = make_every_cause(services, clock.now())
    support = signed_in(Role.SUPPORT)

    support.opens("/search")
    spoken = references["credentials_wrong"].upper().replace("-", " ")
    answer = support.presses("Search", term=f" {spoken} ")

    assert (303, f"/attempts/{references['credentials_wrong']}") == (answer.status, answer.location)


def test_the_first_page_tells_each_cause_with_its_number_and_who_fixes_it(
    services: Services, signed_in: SignedIn
) -> None:
    make_every_cause(services, clock.now())
    page = signed_in(Role.VIEWER).opens("/?days=7")

    causes = tables_of(page)["Causes, the most frequent first"]
    assert ["graph token dead", "1", "whoever runs the server"] in [
        [name, number, fixer] for name, number, _, _, fixer in causes
    ]


def chosen(page: Answer, begins: str) -> str:
    """Return the address of the first link of *page* that begins so."""
    found = [link for link in links_of(page) if begins in {link, link.partition("?")[0]}]
    assert found, begins
    return found[0]


def sure_parts(text: str) -> list[str]:
    """Return the parts of a sentence between its facts, as a page has them."""
    parts = [" ".join(part.split()) for part in re.split(r"\{\w+\}", text)]
    return [part for part in parts if " " in part]

"""The name and the picture of a Page, in every form in which Graph may tell them."""

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from responses import matchers

from app.messenger.errors import GraphRefused, GraphUnavailable
from app.messenger.graph.page_profile import PageProfile
from app.messenger.graph.setup import GraphEndpoint, PageClient
from tests.installation import OTHER_PAGE, PAGE

ADDRESS = f"https://graph.facebook.com/v26.0/{PAGE}"
WITH_PICTURE = "name,picture.width(200).height(200){url,is_silhouette}"
URL = "https://scontent.xx.fbcdn.net/p.png"


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def asked_for(fields: str) -> Any:
    return matchers.query_param_matcher({"fields": fields})


def profile() -> PageProfile:
    return PageClient(GraphEndpoint(), token="PAGE", app_id="1", app_secret=None).profile(PAGE)


def picture(**facts: Any) -> dict[str, Any]:
    return {"data": {"height": 200, "url": URL, "is_silhouette": False, **facts}}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"name": "Harbour", "picture": picture()}, PageProfile("Harbour", URL)),
        ({"name": "Harbour", "picture": picture(is_silhouette=True)}, PageProfile("Harbour")),
        ({"name": "Harbour"}, PageProfile("Harbour")),
        ({"name": "Har\u202ebour\0\n", "picture": None}, PageProfile("Harbour")),
        ({"name": "\u200b ", "picture": picture(url=7)}, PageProfile(None)),
        ({"name": ["x"], "picture": [1]}, PageProfile(None)),
        ({}, PageProfile(None)),
    ],
)
def test_a_profile_is_read_whatever_its_parts_are(
    answer: dict[str, Any], told: PageProfile, graph: responses.RequestsMock
) -> None:
    """Names are cleaned as people's are (R82); a silhouette stands for no picture."""
    graph.get(ADDRESS, json={"id": PAGE, **answer}, match=[asked_for(WITH_PICTURE)])

    assert told == profile()


@pytest.mark.parametrize("code", [10, 100, 200])
def test_where_the_picture_is_refused_the_name_alone_is_asked_for(
    code: int, graph: responses.RequestsMock
) -> None:
    refused = {"error": {"code": code, "message": "(#10) no"}}
    graph.get(ADDRESS, status=400, json=refused, match=[asked_for(WITH_PICTURE)])
    graph.get(ADDRESS, json={"id": PAGE, "name": "Harbour"}, match=[asked_for("name")])

    assert PageProfile("Harbour", None, tells_picture=False) == profile()


def test_a_dead_token_is_asked_for_nothing_more(graph: responses.RequestsMock) -> None:
    graph.get(ADDRESS, status=400, json={"error": {"code": 190, "message": "expired"}})

    with pytest.raises(GraphRefused):
        profile()
    assert 1 == len(graph.calls)


@pytest.mark.parametrize("body", ["<html>", f'{{"id": "{OTHER_PAGE}"}}'])
def test_an_answer_that_is_none_is_not_asked_for_again_at_once(
    body: str, graph: responses.RequestsMock
) -> None:
    graph.get(ADDRESS, body=body)

    with pytest.raises(GraphUnavailable):
        profile()
    assert 1 == len(graph.calls)

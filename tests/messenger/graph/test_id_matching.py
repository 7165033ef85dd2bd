"""ids_for_pages: asked with the app's own token and proof, and read whole or not at all."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from app.messenger.errors import GraphRefused, GraphUnavailable
from app.messenger.graph.setup import AppClient, GraphEndpoint
from tests.installation import ANA, BEN, OTHER_PAGE, PAGE

URL = "https://graph.facebook.com/v26.0/218471/ids_for_pages"
APP = AppClient(GraphEndpoint(), app_id="100200300400500", app_secret="s3cret")


def row(psid: object, page_id: object) -> dict[str, object]:
    return {"id": psid, "page": {"name": "Harbour", "id": page_id}}


@responses.activate
def test_every_part_is_read_with_the_proof_of_the_app_token() -> None:
    first = {
        "data": [row(ANA, PAGE)],
        "paging": {"cursors": {"before": "b", "after": "a"}, "next": f"{URL}?after=a"},
    }
    second = {"data": [row(BEN, OTHER_PAGE)], "paging": {"cursors": {"after": "z"}}}
    responses.get(URL, json=first)
    responses.get(URL, json=second)

    assert ((PAGE, ANA), (OTHER_PAGE, BEN)) == APP.people_of("218471")
    sent = [call.request for call in responses.calls]
    queries = [parse_qs(urlsplit(str(request.url)).query) for request in sent]
    assert all(len(query["appsecret_proof"][0]) == 64 for query in queries)
    assert ["a"] == queries[1]["after"]
    assert not any("s3cret" in str(request.url) for request in sent)


@responses.activate
def test_nobody_is_named_by_an_empty_list() -> None:
    responses.get(URL, json={"data": []})

    assert () == APP.people_of("218471")


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [{}, {"data": {}}, {"data": [row(7, PAGE)]}, {"data": [row(ANA, None)]}, {"data": ["x"]}],
    ids=range(5),
)
def test_an_answer_of_another_shape_is_no_answer(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To leave out what is not understood would be to say that all is erased."""
    del monkeypatch
    responses.get(URL, body=json.dumps(answer))

    with pytest.raises(GraphUnavailable):
        APP.people_of("218471")


@responses.activate
def test_a_list_without_an_end_is_given_up() -> None:
    cursors = {"cursors": {"after": "a"}, "next": URL}
    responses.get(URL, json={"data": [row(ANA, PAGE)], "paging": cursors})

    with pytest.raises(GraphUnavailable):
        APP.people_of("218471")
    assert len(responses.calls) < 100


@responses.activate
def test_a_refusal_is_one() -> None:
    error = {"message": "no", "type": "OAuthException", "code": 10}
    responses.get(URL, json={"error": error}, status=400)

    with pytest.raises(GraphRefused):
        APP.people_of("218471")

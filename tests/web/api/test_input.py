import pytest

from tests.installation import ANA, PAGE
from tests.web.api.conftest import Caller, said

PAIR = f'{{"page_id":"{PAGE}","psid":"{ANA}"}}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f'{{"pairs":[{PAIR}],"more":1}}', id="a name too many"),
        pytest.param('{"pairs":[{"page_id":"1","psid":"2","x":1}]}', id="a name too many, inside"),
        pytest.param('{"pairs":[{"page_id":1,"psid":"2"}]}', id="a number for a text"),
        pytest.param('{"pairs":[{"page_id":"1"}]}', id="a name missing"),
        pytest.param('{"pairs":[]}', id="nothing asked"),
        pytest.param('{"pairs":[' + ",".join([PAIR] * 201) + "]}", id="too many"),
        pytest.param('{"pairs":[{"page_id":"1","psid":"\\u0000"}]}', id="no PSID"),
        pytest.param("[" * 5000, id="deep"),
        pytest.param('{"pairs":', id="cut"),
        pytest.param("", id="empty"),
        pytest.param('{"pairs":[{"page_id":"1","psid":"\\ud800"}]}', id="half a letter"),
    ],
)
def test_a_body_that_breaks_the_schema_is_refused(bot: Caller, body: str) -> None:
    """R96."""
    answer = bot.sends("POST", "/links/lookup", body.encode())

    assert (400, "application/problem+json") == (answer.status, answer.headers["content-type"])


def test_a_body_that_is_not_utf_8_is_refused(bot: Caller) -> None:
    """R96."""
    answer = bot.sends("POST", "/links/lookup", b'{"pairs":[{"page_id":"1","psid":"\xff"}]}')

    assert (400, "not JSON") == (answer.status, said(answer)["detail"])


def test_a_body_that_is_too_large_is_refused(bot: Caller) -> None:
    """R96: more than 64 KiB."""
    answer = bot.sends("POST", "/links/lookup", b" " * (64 * 1024 + 1))

    assert 413 == answer.status


def test_a_body_of_another_content_type_is_refused(bot: Caller) -> None:
    answer = bot.sends("POST", "/links/lookup", b"{}", kind="text/plain")

    assert 415 == answer.status


@pytest.mark.parametrize(
    "query",
    [
        "issuer=local",
        "issuer=local&subject=jane&subject=joe",
        "issuer=local&subject=jane&page=1",
        "issuer=local&subject=jane&limit=0",
        "issuer=local&subject=jane&limit=201",
        "issuer=local&subject=jane&limit=many",
        "issuer=local&subject=jane&cursor=nonsense",
        "issuer=local&subject=jane&cursor=!",
        # JSON, but for its letters: ["\xff","1"]
        "issuer=local&subject=jane&cursor=WyL_IiwiMSJd",
        "issuer=local&subject=%00",
        "issuer=&subject=jane",
    ],
)
def test_a_query_that_breaks_the_schema_is_refused(bot: Caller, query: str) -> None:
    assert 400 == bot("GET", f"/links?{query}").status


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 19, "1.5"])
def test_a_cursor_not_issued_here_is_refused(bot: Caller, cursor: str) -> None:
    assert 400 == bot("GET", f"/links/changes?cursor={cursor}").status


def test_an_error_has_the_form_of_rfc_9457(bot: Caller) -> None:
    answer = bot("GET", "/nothing/here")

    problem = said(answer)
    assert "application/problem+json" == answer.headers["content-type"]
    assert (404, "/api/docs#not_found") == (problem["status"], problem["type"])
    assert {"type", "title", "status", "detail", "reference"} == set(problem)

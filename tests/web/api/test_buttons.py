import json

import pytest
import responses

from app.services.container import Services
from tests.installation import ANA, OTHER_PAGE, PAGE, PUBLIC_URL
from tests.web.api.conftest import Caller, Holder, said

BUTTONS = f"/pages/{PAGE}/buttons"
MESSAGES = "https://graph.facebook.com/v26.0/me/messages"
SENT = {"recipient_id": ANA, "message_id": "m_1"}


def test_a_log_in_button_leads_to_this_server(bot: Caller) -> None:
    with responses.RequestsMock() as edge:
        edge.post(MESSAGES, json=SENT)
        answer = bot("POST", BUTTONS, kind="login", psid=ANA, text="Connect your account")
        sent = json.loads(edge.calls[0].request.body or b"")

    assert (200, {"message_id": "m_1"}) == (answer.status, said(answer))
    payload = sent["message"]["attachment"]["payload"]
    assert "Connect your account" == payload["text"]
    assert [{"type": "account_link", "url": address()}] == payload["buttons"]


def test_a_log_out_button_is_sent_the_same_way(bot: Caller) -> None:
    with responses.RequestsMock() as edge:
        edge.post(MESSAGES, json=SENT)
        bot("POST", BUTTONS, kind="logout", psid=ANA, text="Log out?")
        sent = json.loads(edge.calls[0].request.body or b"")

    assert [{"type": "account_unlink"}] == sent["message"]["attachment"]["payload"]["buttons"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param({"code": 100, "error_subcode": 2018001}, 404, id="nobody by this PSID"),
        pytest.param({"code": 10, "error_subcode": 2018278}, 422, id="outside the window"),
        pytest.param({"code": 190}, 422, id="our token is dead"),
        pytest.param({"code": 4}, 503, id="too many calls"),
    ],
)
def test_a_refusal_shows_whether_to_send_again(
    bot: Caller, error: dict[str, int], status: int
) -> None:
    with responses.RequestsMock() as edge:
        edge.post(MESSAGES, status=400, json={"error": {"message": "private", **error}})
        answer = bot("POST", BUTTONS, kind="login", psid=ANA, text="Connect")

    assert status == answer.status
    assert "private" not in answer.text


def test_a_key_of_another_page_sends_nothing(holder: Holder) -> None:
    """R93: and an unknown page gets the same answer."""
    foreign = holder("messages:send", page_id=OTHER_PAGE)
    with responses.RequestsMock():
        answer = foreign("POST", BUTTONS, kind="login", psid=ANA, text="Connect")
        unknown = foreign(
            "POST", f"/pages/{OTHER_PAGE}/buttons", kind="login", psid=ANA, text="Connect"
        )

    assert (404, 404) == (answer.status, unknown.status)


def test_a_button_is_refused_at_once_when_graph_s_slots_are_taken(
    services: Services, bot: Caller
) -> None:
    """It must not wait in a thread that the webhook needs."""
    places = [services.admission.enter() for _ in range(services.admission.admitted)]
    for place in places:
        place.__enter__()

    with responses.RequestsMock():
        answer = bot("POST", BUTTONS, kind="login", psid=ANA, text="Connect")

    for place in places:
        place.__exit__(None, None, None)
    assert 503 == answer.status
    assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    "wrong", [{"kind": "sign-in"}, {"text": ""}, {"text": "x" * 641}, {"psid": ""}]
)
def test_a_button_that_messenger_cannot_show_is_refused(bot: Caller, wrong: dict[str, str]) -> None:
    given = {"kind": "login", "psid": ANA, "text": "Connect", **wrong}

    assert 400 == bot("POST", BUTTONS, **given).status


def address() -> str:
    return f"{PUBLIC_URL}/authorize?response_type=code&client_id={PAGE}&scope=basic"

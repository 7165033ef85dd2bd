import json
from dataclasses import replace

import pytest
import responses
from structlog.testing import capture_logs

from app import create_app
from app.services.container import Services
from tests.installation import ANA, OTHER_PAGE, PAGE, PUBLIC_URL, settings_for
from tests.web.api.conftest import Caller, Holder, said
from tests.web.stored_rows import StoredRows

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
    ("error", "status", "name"),
    [
        pytest.param((100, 2018001), 422, "person_unreachable", id="nobody by this PSID"),
        pytest.param((551, None), 422, "person_unreachable", id="the page is blocked"),
        pytest.param((10, 2018278), 422, "window_closed", id="outside the window"),
        pytest.param((10, 2018336), 422, "region_refused", id="European rules"),
        pytest.param((190, None), 503, "messenger_refused_us", id="our token is dead"),
        pytest.param((210, None), 503, "messenger_refused_us", id="no page token"),
        pytest.param((10, None), 503, "messenger_refused_us", id="no permission"),
        pytest.param((10, 1893063), 503, "messenger_refused_us", id="page restricted"),
        pytest.param((100, None), 503, "messenger_refused_us", id="our request"),
        pytest.param((4, None), 503, "graph_throttled", id="too many calls"),
        pytest.param((80001, None), 503, "graph_throttled", id="the page's limit"),
        pytest.param((10, 2018300), 503, "graph", id="another app has the thread"),
    ],
)
def test_a_refusal_tells_its_reason_and_whether_to_send_again(
    bot: Caller, error: tuple[int, int | None], status: int, name: str
) -> None:
    """And only the reason: Graph's words are the operator's."""
    told = {"message": "private", "code": error[0], "error_subcode": error[1]}
    with responses.RequestsMock() as edge, capture_logs() as logs:
        edge.post(MESSAGES, status=400, json={"error": told})
        answer = bot("POST", BUTTONS, kind="login", psid=ANA, text="Connect")

    assert status == answer.status
    assert f"/api/docs#{name}" == said(answer)["type"]
    assert "private" not in answer.text
    assert (status == 503) == ("retry-after" in answer.headers)
    failed = [line for line in logs if line["event"] == "graph.failed"]
    assert bool(failed) == (name not in {"person_unreachable", "window_closed"})
    assert all("private" in line["told"] for line in failed)


def test_a_rate_limit_s_wait_is_passed_on(bot: Caller) -> None:
    """R104: in minutes in Graph's usage header, in seconds in Retry-After."""
    usage = {PAGE: [{"type": "messenger", "estimated_time_to_regain_access": 7}]}
    with responses.RequestsMock() as edge:
        edge.post(
            MESSAGES,
            status=400,
            json={"error": {"code": 80006}},
            headers={"X-Business-Use-Case-Usage": json.dumps(usage)},
        )
        answer = bot("POST", BUTTONS, kind="login", psid=ANA, text="Connect")

    assert "420" == answer.headers["retry-after"]


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
    "wrong",
    [
        {"kind": "sign-in"},
        {"text": ""},
        {"text": "x" * 641},
        {"psid": ""},
        {"resume": ""},
        {"resume": "x" * 513},
        {"resume": "order\u00001042"},
        {"kind": "logout", "resume": "order 1042"},
    ],
)
def test_a_button_that_messenger_cannot_show_is_refused(
    bot: Caller, services: Services, wrong: dict[str, str]
) -> None:
    given = {"kind": "login", "psid": ANA, "text": "Connect", **wrong}

    assert 400 == bot("POST", BUTTONS, **given).status
    assert 0 == StoredRows(services).count("resume")


def address() -> str:
    return f"{PUBLIC_URL}/authorize?response_type=code&client_id={PAGE}&scope=basic"


@pytest.mark.parametrize(
    ("kind", "language", "text"),
    [
        ("login", {}, "Log in to use your \u2068127.0.0.1\u2069 account here."),
        ("logout", {}, "You can log out here."),
        ("logout", {"language": "tlh"}, "You can log out here."),
        ("logout", {"language": "en-xa"}, "[Ýöû çåñ ļöĝ öûţ ĥéŕé. öñé ţŵö]"),
        ("logout", {"language": "en-xa", "text": "Bye?"}, "Bye?"),
    ],
)
def test_without_a_text_the_button_has_ours_in_the_language_that_is_named(
    services: Services, bot: Caller, kind: str, language: dict[str, str], text: str
) -> None:
    settings = settings_for(services.settings.database_url, LANGUAGES="en en-XA")
    bot = Caller(create_app(replace(services, settings=settings)), bot.key)
    with responses.RequestsMock() as edge:
        edge.post(MESSAGES, json=SENT)
        assert 200 == bot("POST", BUTTONS, kind=kind, psid=ANA, **language).status
        sent = json.loads(edge.calls[0].request.body or b"")
    assert text == sent["message"]["attachment"]["payload"]["text"]


@pytest.mark.parametrize("language", ["", "de_DE", "de,en", "x" * 36, "ä"])
def test_what_is_no_language_tag_is_refused_and_nothing_sent(bot: Caller, language: str) -> None:
    with responses.RequestsMock() as edge:
        answer = bot("POST", BUTTONS, kind="logout", psid=ANA, language=language)
        assert 0 == len(edge.calls)
    assert 400 == answer.status

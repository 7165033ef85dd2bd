from collections.abc import Iterator
from typing import Any

import pytest
import responses
from responses import matchers

from app.messenger.errors import (
    GraphUnavailable,
    LinkingTokenRefused,
    PersonUnknown,
    TokenDead,
)
from app.messenger.graph.client import GraphClient
from app.messenger.graph.profiles import Profile
from app.messenger.types import PageId, Psid

GRAPH = "https://graph.facebook.com/v26.0"
PAGE = PageId("1717527131834678")
BEN = Psid("1256217357730577")
T = "ARtoken-_1"
URL = "https://shop.example/authorize?client_id=1717527131834678"
PROFILE = f"{GRAPH}/me/messenger_profile"
LEGACY = "https://graph.facebook.com/v2.6/me/thread_settings"
MESSAGES = f"{GRAPH}/me/messages"
NOTHING: dict[str, str] = {}


@pytest.fixture
def graph() -> GraphClient:
    return GraphClient(page_id=PAGE, token="PAGE")


@pytest.fixture
def platform() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def asked(*, params: dict[str, str] = NOTHING, body: dict[str, Any] | None = None) -> list[Any]:
    """Return matchers for a call with exactly *params* and *body*, and our token."""
    wanted = [
        matchers.header_matcher({"Authorization": "Bearer PAGE"}),
        matchers.query_param_matcher(params),
    ]
    return wanted if body is None else [*wanted, matchers.json_params_matcher(body)]


def refusal(code: int, subcode: int | None = None) -> dict[str, Any]:
    error = {"message": "m", "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    return {"error": error if subcode is None else error | {"error_subcode": subcode}}


def test_setting_the_linking_url_posts_the_profile(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    body = {"account_linking_url": URL}
    platform.post(PROFILE, json={"result": "success"}, match=asked(body=body))

    graph.set_linking_url(URL)


def test_clearing_the_linking_url_deletes_it_from_the_profile(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    body = {"fields": ["account_linking_url"]}
    platform.delete(PROFILE, json={"result": "success"}, match=asked(body=body))

    graph.clear_linking_url()


@pytest.mark.parametrize(
    ("data", "url"),
    [
        ([{"account_linking_url": URL}], URL),
        ([], None),
        ([{}], None),
        ([{"greeting": []}], None),
    ],
    ids=["set", "not set", "empty profile", "another property"],
)
def test_the_linking_url_is_read_from_the_profile(
    graph: GraphClient, platform: responses.RequestsMock, data: list[Any], url: str | None
) -> None:
    params = {"fields": "account_linking_url"}
    platform.get(PROFILE, json={"data": data}, match=asked(params=params))

    assert url == graph.linking_url()


@pytest.mark.parametrize(
    "answer", [{}, {"data": {}}, {"data": [1]}, {"data": [{"account_linking_url": 1}]}], ids=repr
)
def test_a_profile_of_another_form_is_no_answer(
    platform: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """
    R105: None would mean that nothing is set.
    """
    platform.get(PROFILE, json=answer)

    with pytest.raises(GraphUnavailable):
        GraphClient(page_id=PAGE, token="PAGE").linking_url()


def test_setting_the_legacy_url_posts_thread_settings(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    The path, body and answer of the documents of v2.6, to the letter.
    """
    body = {"setting_type": "account_linking", "account_linking_url": URL}
    platform.post(LEGACY, json={"result": "Account linking url added"}, match=asked(body=body))

    graph.set_linking_url_legacy(URL)


def test_clearing_the_legacy_url_deletes_with_a_body(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    The documents of v2.6 give DELETE a JSON body; they do not show the answer.
    """
    body = {"setting_type": "account_linking"}
    platform.delete(LEGACY, json={"result": "whatever it says"}, match=asked(body=body))

    graph.clear_linking_url_legacy()


def test_thread_settings_may_be_asked_of_another_version(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    other = LEGACY.replace("v2.6", "v21.0")
    platform.post(other, json={"result": "ok"})
    platform.delete(other, json={"result": "ok"})

    graph.set_linking_url_legacy(URL, version="v21.0")
    graph.clear_linking_url_legacy(version="v21.0")


@pytest.mark.parametrize("answer", [{}, {"result": None}, {"result": True}, {"success": True}])
def test_an_answer_without_a_result_is_no_answer(
    graph: GraphClient, platform: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """
    R105: what Graph did not confirm is not reported as done.
    """
    platform.post(PROFILE, json=answer)

    with pytest.raises(GraphUnavailable):
        graph.set_linking_url(URL)


def test_recipient_for_asks_with_the_token_it_was_given(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    params = {"fields": "recipient", "account_linking_token": T}
    platform.get(f"{GRAPH}/me", json={"id": PAGE, "recipient": BEN}, match=asked(params=params))

    assert BEN == graph.recipient_for(T)


@pytest.mark.parametrize(
    "answer",
    [
        {"id": int(PAGE), "recipient": BEN},
        {"recipient": BEN},
        {"id": PAGE},
        {"id": PAGE, "recipient": int(BEN)},
        {"id": PAGE, "recipient": ""},
        {"id": PAGE, "recipient": f"{BEN}\n"},
        {"id": PAGE, "recipient": "me"},
        {"id": PAGE, "recipient": "١٢٣"},
        {"id": PAGE, "recipient": "1" * 65},
        {"id": PAGE, "recipient": {"id": BEN}},
    ],
    ids=repr,
)
def test_a_recipient_that_is_not_of_our_page_is_none(
    graph: GraphClient, platform: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """
    R14, R105: a PSID means nothing without its page, and is digits.
    """
    platform.get(f"{GRAPH}/me", json=answer)

    with pytest.raises(GraphUnavailable):
        graph.recipient_for(T)


def test_a_page_token_of_another_page_is_dead_to_us(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """R16: trying again does not help, so the person is told that it is our fault."""
    platform.get(f"{GRAPH}/me", json={"id": "2", "recipient": BEN})

    with pytest.raises(TokenDead):
        graph.recipient_for(T)


def test_a_dead_linking_token_is_told_apart(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    R16: the person is told to tap Log In again, not to wait.
    """
    platform.get(f"{GRAPH}/me", status=400, json=refusal(10303))

    with pytest.raises(LinkingTokenRefused):
        graph.recipient_for(T)


@pytest.mark.parametrize("token", ["", "a&b=c", "a b", "A" * 1025, "é"], ids=len)
@pytest.mark.usefixtures("platform")
def test_what_is_no_token_is_not_asked_about(graph: GraphClient, token: str) -> None:
    with pytest.raises(LinkingTokenRefused):
        graph.recipient_for(token)


def test_a_dead_page_token_is_told_apart(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    R104: the operator needs a new one, and nothing else will help.
    """
    platform.post(f"{GRAPH}/me/unlink_accounts", status=400, json=refusal(190, 463))

    with pytest.raises(TokenDead):
        graph.unlink(BEN)


def test_unlinking_posts_the_psid(graph: GraphClient, platform: responses.RequestsMock) -> None:
    platform.post(
        f"{GRAPH}/me/unlink_accounts",
        json={"result": "unlink account success"},
        match=asked(body={"psid": BEN}),
    )

    graph.unlink(BEN)


@pytest.mark.parametrize(("code", "subcode"), [(100, 2018001), (200, 1545041), (551, None)])
def test_an_unlink_of_an_unknown_person_raises_an_error_of_its_own(
    graph: GraphClient, platform: responses.RequestsMock, code: int, subcode: int | None
) -> None:
    """
    The worker repeats the unlink until Messenger answers or says that the person is unknown.
    """
    platform.post(f"{GRAPH}/me/unlink_accounts", status=400, json=refusal(code, subcode))

    with pytest.raises(PersonUnknown) as raised:
        graph.unlink(BEN)

    assert (code, subcode, "AbC") == (
        raised.value.code,
        raised.value.subcode,
        raised.value.trace_id,
    )


def test_a_text_is_sent_as_an_answer(graph: GraphClient, platform: responses.RequestsMock) -> None:
    body = {
        "recipient": {"id": BEN},
        "messaging_type": "RESPONSE",
        "message": {"text": "Welcome"},
    }
    platform.post(MESSAGES, json={"recipient_id": BEN, "message_id": "m_1"}, match=asked(body=body))

    assert "m_1" == graph.send_text(BEN, "Welcome")


def template(button: dict[str, str]) -> dict[str, Any]:
    payload = {"template_type": "button", "text": "Your account", "buttons": [button]}
    return {
        "recipient": {"id": BEN},
        "messaging_type": "RESPONSE",
        "message": {"attachment": {"type": "template", "payload": payload}},
    }


def test_a_login_button_has_a_url_and_no_title(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    Graph refuses a title on it, an empty one too.
    """
    body = template({"type": "account_link", "url": URL})
    platform.post(MESSAGES, json={"recipient_id": BEN, "message_id": "m_1"}, match=asked(body=body))

    assert "m_1" == graph.send_login_button(BEN, text="Your account", url=URL)


def test_a_logout_button_has_nothing_but_its_type(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    body = template({"type": "account_unlink"})
    platform.post(MESSAGES, json={"recipient_id": BEN, "message_id": "m_1"}, match=asked(body=body))

    assert "m_1" == graph.send_logout_button(BEN, text="Your account")


@pytest.mark.parametrize("answer", [{}, {"recipient_id": BEN}, {"message_id": 1}], ids=repr)
def test_a_message_without_an_id_is_not_known_to_be_sent(
    graph: GraphClient, platform: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    platform.post(MESSAGES, json=answer)

    with pytest.raises(GraphUnavailable):
        graph.send_text(BEN, "Welcome")


def test_a_message_is_never_sent_twice(
    graph: GraphClient, platform: responses.RequestsMock
) -> None:
    """
    R104: it may have arrived although its answer did not.
    """
    sent = platform.post(MESSAGES, status=500, json=refusal(2))

    with pytest.raises(GraphUnavailable):
        graph.send_text(BEN, "Welcome")

    assert 1 == sent.call_count


@pytest.mark.parametrize(
    "psid", ["", "me", "../me", "1/messages", "1?a=b", "1 ", "1\n", "\u0661"], ids=repr
)
@pytest.mark.usefixtures("platform")
def test_a_malformed_psid_is_an_unknown_person(graph: GraphClient, psid: str) -> None:
    """
    It would become a part of an address; nothing is asked.
    """
    for call in (graph.unlink, lambda person: graph.send_text(person, "Welcome")):
        with pytest.raises(PersonUnknown):
            call(Psid(psid))
    assert Profile() == graph.profile(Psid(psid))


def test_a_client_shows_its_page_and_no_secret() -> None:
    """
    R110: a repr is what a debugger and a log line show.
    """
    graph = GraphClient(page_id=PAGE, token="EAAGm0PX4ZCpsBAKZCq", app_secret="60efff025951")

    assert f"GraphClient(page_id='{PAGE}')" == repr(graph)

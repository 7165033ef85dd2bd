import pytest
from flask import Flask

from tests.emulator.conftest import OTHER_PAGE, PAGE, Person
from tests.emulator.webhook_server import Webhook

LOGIN = "https://shop.example/authorize?client_id=1"


def test_a_typed_message_reaches_the_webhook_and_the_persons_own_thread_only(
    ana: Person, ben: Person, webhook: Webhook
) -> None:
    ana.submits("messages", text="Where is my order?")

    event = webhook.events()[0]
    assert (ana.psid, "Where is my order?") == (event["sender"]["id"], event["message"]["text"])
    assert "Where is my order?" in ana.sees("/messages")
    assert "Where is my order?" not in ben.sees("/messages")


def test_an_empty_message_goes_nowhere(ana: Person, webhook: Webhook) -> None:
    ana.submits("messages", text="   ")

    assert [] == webhook.received
    assert () == ana.thread.messages


def test_the_log_in_button_of_a_message_opens_its_own_url(ana: Person) -> None:
    message = ana.is_sent({"type": "account_link", "url": LOGIN})

    answer = ana.submits("tap", message=message, button="0")

    assert 303 == answer.status_code
    assert answer.headers["Location"].startswith(f"{LOGIN}&account_linking_token=AR")


def test_the_log_out_button_of_a_message_unlinks(ana: Person, webhook: Webhook) -> None:
    message = ana.is_sent({"type": "account_link", "url": LOGIN}, {"type": "account_unlink"})
    ana.comes_back()

    ana.submits("tap", message=message, button="1")

    assert not ana.thread.linked
    assert {"status": "unlinked"} == webhook.events()[-1]["account_linking"]


def test_a_postback_button_tells_its_payload(ana: Person, webhook: Webhook) -> None:
    message = ana.is_sent({"type": "postback", "title": "Again", "payload": "ORDER 7"})

    ana.submits("tap", message=message, button="0")

    postback = webhook.events()[0]["postback"]
    assert ("Again", "ORDER 7") == (postback["title"], postback["payload"])


@pytest.mark.parametrize("button", ["1", "-1", "x", ""])
def test_a_button_that_is_not_there_is_not_found(button: str, ana: Person) -> None:
    message = ana.is_sent({"type": "account_unlink"})

    assert 404 == ana.submits("tap", message=message, button=button).status_code


def test_details_offer_log_in_when_a_linking_url_is_set_and_log_out_when_linked(
    ana: Person,
) -> None:
    without = ana.sees("/details")
    ana.taps_log_in()
    before = ana.sees("/details")
    ana.comes_back()
    after = ana.sees("/details")

    assert ">Log In<" not in without
    assert ">Log In<" in before
    assert ">Log Out<" in after
    assert ">Log In<" not in after


def test_log_in_without_a_linking_url_leads_nowhere(ana: Person) -> None:
    answer = ana.submits("log-in")

    assert answer.headers["Location"].endswith("/details")


def test_what_a_page_writes_is_text_not_markup(ana: Person) -> None:
    ana.is_sent({"type": "account_unlink"}, text="<script>alert(1)</script>")

    assert "<script>alert" not in ana.sees("/messages")
    assert "&lt;script&gt;alert(1)" in ana.sees("/messages")


def test_the_messages_are_sent_again_only_when_they_changed(app: Flask, ana: Person) -> None:
    ana.submits("messages", text="hello")
    address = f"/t/{PAGE}/{ana.psid}/messages"
    first = app.test_client().get(address)

    known = {"If-None-Match": first.headers["ETag"]}
    same = app.test_client().get(address, headers=known)
    ana.submits("messages", text="again")
    changed = app.test_client().get(address, headers=known)

    assert (200, 304, 200) == (first.status_code, same.status_code, changed.status_code)
    assert "again" in changed.text


def test_the_list_of_chats_has_every_page(app: Flask, ana: Person) -> None:
    answer = app.test_client().get(f"/chats/{ana.psid}")

    assert "Harbour Coffee" in answer.text
    assert "Corner Books" in answer.text


@pytest.mark.parametrize(
    "path", ["/t/1/2", f"/t/{OTHER_PAGE}/{{psid}}", "/t/1/2/details", "/chats/1"]
)
def test_a_thread_that_is_not_there_is_not_found(path: str, app: Flask, ana: Person) -> None:
    """
    A PSID means nothing on another page.
    """
    assert 404 == app.test_client().get(path.format(psid=ana.psid)).status_code


def test_the_first_page_leads_to_a_chat(app: Flask, ana: Person) -> None:
    assert f"/t/{PAGE}/{ana.psid}" == app.test_client().get("/").headers["Location"]


def test_a_chat_of_an_earlier_start_leads_to_the_current_one(app: Flask) -> None:
    answer = app.test_client().get("/t/1/2")

    assert 404 == answer.status_code
    assert "has been restarted" in answer.text
    assert 'href="/"' in answer.text

"""Invitations by the API: what the business's own site asks, and what it is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.linking import handlers, link_queries
from app.messenger.invitation_events import Claim
from app.services.background import make_worker
from app.services.container import Services, build
from app.web.languages import chat_texts
from tests.actors import Graph, Messenger, message
from tests.browsers import InProcess
from tests.installation import ANA, BEN, OTHER_PAGE, PAGE, PUBLIC_URL, add_jane, settings_for
from tests.web.api.conftest import Caller, Holder, add_link, said


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    settings = settings_for(database, INVITATIONS="1", PAGE_USERNAME="harbourcoffee")
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def site(holder: Holder) -> Caller:
    return holder("links:invite")


@pytest.fixture
def made(site: Caller, jane: str) -> dict[str, Any]:
    answer = invite(site, jane)
    assert 201 == answer.status
    told: dict[str, Any] = said(answer)
    return told


def invite(site: Caller, subject: str, **changed: Any) -> Any:
    given = {
        "page_id": PAGE,
        "issuer": "local",
        "subject": subject,
        "display_name": "jane@example.com",
    }
    return site("POST", "/invitations", **(given | changed))


def ref_of(made: dict[str, Any]) -> str:
    address, _, ref = str(made["url"]).partition("?ref=")
    assert "https://m.me/harbourcoffee" == address
    return ref


def taps(app: Flask, ref: str, psid: str = ANA) -> None:
    event = message(psid, "", clock.now())
    del event["message"]
    Messenger(InProcess(app, PUBLIC_URL)).tells(event | {"referral": {"ref": ref}})


def agrees(app: Flask, services: Services, graph: Graph, made: dict[str, Any]) -> None:
    """Bring the invitation to the chat's Yes."""
    graph.knows_person(ANA, "Ana Berg")
    taps(app, ref_of(made))
    make_worker(services, "w", chat_texts.say).run_once()
    event = message(ANA, "", clock.now())
    del event["message"]
    tap = event | {"postback": {"payload": graph.payloads()[0], "title": "Yes"}}
    Messenger(InProcess(app, PUBLIC_URL)).tells(tap)


def test_a_site_links_its_user_after_both_consents(
    app: Flask, services: Services, graph: Graph, site: Caller, made: dict[str, Any]
) -> None:
    """R126: the name is told when the chat has agreed, and asked back."""
    path = f"/invitations/{made['id']}"
    agrees(app, services, graph, made)

    seen = said(site("GET", path))
    changed = site("POST", f"{path}/confirm", messenger_name="Somebody Else")
    linked = site("POST", f"{path}/confirm", messenger_name="Ana Berg")
    again = site("POST", f"{path}/confirm", messenger_name="Ana Berg")

    assert ("accepted", "Ana Berg", None) == (seen["state"], seen["messenger_name"], seen["link"])
    assert (409, "/api/docs#question_changed") == (changed.status, said(changed)["type"])
    assert (200, "m.me", ANA) == (linked.status, said(linked)["cause"], said(linked)["psid"])
    assert said(linked) == said(again)
    after = said(site("GET", path))
    assert ("linked", said(linked)) == (after["state"], after["link"])


def test_what_is_told_once_is_told_no_more(site: Caller, made: dict[str, Any]) -> None:
    seen = site("GET", f"/invitations/{made['id']}")

    assert "open" == said(seen)["state"]
    for secret in (made["url"], made["code"], made["handoff_token"], ref_of(made)):
        assert secret not in seen.text


def test_a_tap_alone_tells_the_site_nobody(
    app: Flask, services: Services, site: Caller, made: dict[str, Any]
) -> None:
    """R126, R127: nor whether the profile is a customer's."""
    add_link(services, psid=ANA, subject="somebody")
    taps(app, ref_of(made))

    seen = said(site("GET", f"/invitations/{made['id']}"))

    assert ("claimed", None, None) == (seen["state"], seen["reason"], seen["messenger_name"])
    assert ANA not in str(seen)


def test_connect_before_the_chat_agrees_is_refused(
    app: Flask, site: Caller, made: dict[str, Any], services: Services
) -> None:
    path = f"/invitations/{made['id']}/confirm"
    for _ in range(2):
        answer = site("POST", path, messenger_name=None)
        assert (409, "/api/docs#not_accepted") == (answer.status, said(answer)["type"])
        taps(app, ref_of(made))
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_digits_are_entered_on_the_site(
    app: Flask, services: Services, graph: Graph, site: Caller, made: dict[str, Any]
) -> None:
    path = f"/invitations/{made['id']}"
    early = site("POST", f"{path}/digits", digits="000000")
    taps(app, ref_of(made))
    make_worker(services, "w", chat_texts.say).run_once()
    assert (409, "/api/docs#not_asked") == (early.status, said(early)["type"])
    assert said(site("GET", path))["needs_digits"]
    wrong = site("POST", f"{path}/digits", digits="000000")
    assert (422, "/api/docs#wrong_digits") == (wrong.status, said(wrong)["type"])
    sent = json.loads(graph.messages[-1])["message"]["text"]
    typed = "".join(char for char in sent[:12] if char.isdecimal())
    assert "accepted" == said(site("POST", f"{path}/digits", digits=typed))["state"]
    linked = site("POST", f"{path}/confirm", messenger_name=None)
    assert 200 == linked.status


def test_another_key_sees_nothing(holder: Holder, made: dict[str, Any]) -> None:
    """And what is not there looks the same (R93)."""
    other = holder("links:invite")
    for method, path, body in (
        ("GET", "", {}),
        ("POST", "/confirm", {"messenger_name": None}),
        ("POST", "/digits", {"digits": "1"}),
        ("DELETE", "", {}),
    ):
        theirs = other(method, f"/invitations/{made['id']}{path}", **body)
        nobody = other(method, f"/invitations/nothing{path}", **body)
        assert 404 == theirs.status == nobody.status
        assert said(theirs)["type"] == said(nobody)["type"]


def test_a_key_invites_users_of_its_issuer_on_its_page_alone(
    holder: Holder, site: Caller, jane: str
) -> None:
    elsewhere = holder("links:invite", page_id=OTHER_PAGE)

    assert 400 == invite(site, jane, issuer="https://login.example.org").status
    assert 404 == invite(elsewhere, jane).status
    assert 404 == invite(site, jane, page_id=OTHER_PAGE).status
    unknown = invite(site, "nobody")
    assert (422, "/api/docs#account_unknown") == (unknown.status, said(unknown)["type"])
    assert 403 == invite(holder("links:write"), jane).status


def test_the_eleventh_in_an_hour_is_too_many(site: Caller, jane: str) -> None:
    """R131: and the fourth ends the oldest."""
    made = [said(invite(site, jane)) for _ in range(10)]

    assert 429 == invite(site, jane).status
    states = [said(site("GET", f"/invitations/{one['id']}"))["state"] for one in made]
    assert ["cancelled"] * 7 + ["open"] * 3 == states


def test_a_cancelled_invitation_is_dead(
    services: Services, site: Caller, made: dict[str, Any]
) -> None:
    assert 204 == site("DELETE", f"/invitations/{made['id']}").status
    event = Claim(PAGE, BEN, clock.now(), "existing_thread", ref_of(made))
    services.write(handlers.handle, event, policy=services.policy, at=clock.now())

    assert "cancelled" == said(site("GET", f"/invitations/{made['id']}"))["state"]
    over = site("POST", f"/invitations/{made['id']}/confirm", messenger_name=None)
    assert (409, "/api/docs#over") == (over.status, said(over)["type"])


def test_off_means_that_there_is_no_such_operation(database: URL) -> None:
    from app.api_keys import service as keys  # noqa: PLC0415 - of this test alone

    off = build(settings_for(database), limit_seconds=60)
    try:
        key = off.write(
            keys.issue,
            "site",
            scopes=(keys.INVITE,),
            page_id=None,
            issuer="local",
            expires_at=None,
            at=clock.now(),
        )
        caller = Caller(create_app(off), key)
        assert 404 == invite(caller, add_jane(off)).status
        assert 404 == caller("GET", "/invitations/x").status
    finally:
        off.close()


def test_the_log_out_button_of_such_a_link_is_ours(
    services: Services, graph: Graph, holder: Holder
) -> None:
    """Messenger knows nothing of the link, and its own button would end nothing."""
    add_link(services, cause="m.me")

    holder("messages:send")("POST", f"/pages/{PAGE}/buttons", kind="logout", psid=ANA)

    assert ["threadlink:disconnect"] == graph.payloads()

"""Canary of the second road: its secrets are in no log line, row, figure, or page of others."""

import json
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import URL, inspect, text

from app.infra import clock
from app.infra.observability import logs
from app.linking import invitations
from app.linking.invitations import Created, Offer
from app.linking.values import User
from app.services.container import Services, build
from tests.actors import Graph, Messenger
from tests.installation import ANA, BEN, PAGE, PASSWORD, USERNAME, settings_for
from tests.web.second_road import SETTINGS, Chat, Shopper, named

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SHOP, METRICS_TOKEN = "https://shop.example", "canary-metrics-token"
RESUME = "canary-resume"
TYPED_WRONG = "K7F2-M9QA"


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    more = {
        "CONNECT_ORIGINS": SHOP,
        "METRICS_TOKEN": METRICS_TOKEN,
        "BOT_MESSENGER_URL": "http://127.0.0.1:1/messenger",
        "BOT_WEBHOOK_URL": "http://127.0.0.1:1/links",
        "BOT_WEBHOOK_SECRET": "whsec_Y2FuYXJ5LWJvdC1zZWNyZXQtMDEyMzQ1Njc4OWFi",
    }
    services = build(settings_for(database, **SETTINGS, **more), limit_seconds=60)
    yield services
    services.close()


class Walk:
    """Shoppers and chats, and what must stay with the one who was given it."""

    def __init__(self, app: Flask, services: Services, graph: Graph, messenger: Messenger) -> None:
        self.app, self.services, self.graph = app, services, graph
        self.ana, self.ben = (Chat(psid, messenger, graph, services) for psid in (ANA, BEN))
        self.secrets: dict[str, str] = {}
        self.pages_of_others: list[str] = []

    def begins(self, name: str) -> Shopper:
        """Let a browser sign in; note its session secret, ref, code and form token."""
        shopper = Shopper(self.app)
        shopper.comes(f"/connect?state={RESUME}")
        shopper.presses("Log in", username=USERNAME, password=PASSWORD)
        self.notes(name, shopper)
        return shopper

    def notes(self, name: str, shopper: Shopper) -> None:
        """Note what the answer, with which this browser was signed in, has given to it."""
        cookie = shopper.sees.headers["set-cookie"].partition("=")[2].partition(";")[0]
        _, (secret,) = URLSafeTimedSerializer("another key").loads_unsafe(cookie)
        shopper.reloads()
        self.secrets |= {
            f"session secret {name}": secret,
            f"ref {name}": shopper.ref,
            f"code {name}": shopper.code,
            f"typed code {name}": shopper.code.replace("-", ""),
            f"form token {name}": shopper.sees.forms[0].fields["form_token"],
        }

    def notes_questions(self) -> None:
        """Note the nonces that the chats were sent."""
        sent = "\n".join(self.graph.messages)
        payloads = re.findall(r'"payload": ?"(threadlink:[^"]+)"', sent)
        self.secrets |= {
            f"nonce {p}": p.split(":")[-1] for p in payloads if "yes" in p or "no" in p
        }

    def looks_elsewhere(self) -> None:
        """Keep what others are shown."""
        stranger = Shopper(self.app)
        stranger.opens("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
        assert "threadlink_invitations_total" in stranger.sees.text
        self.pages_of_others.append(stranger.sees.text)
        for address in ("/connect/handoff", "/connect/canary", "/connections", "/connect"):
            stranger.opens(address)
            self.pages_of_others.append(stranger.sees.text)


@pytest.fixture
def walk(app: Flask, services: Services, graph: Graph, messenger: Messenger, jane: str) -> Walk:
    assert jane
    named(graph, ANA, "Ana Berg")
    return Walk(app, services, graph, messenger)


def test_no_secret_of_the_second_road_is_found_anywhere(
    walk: Walk, services: Services, jane: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """R29, R110, R126 to R132: by link, typed, by digits, claimed twice, handed over, cancelled."""
    logs.configure(level="debug", form="json")
    by_link = walk.begins("by link")
    walk.ana.opens(by_link.ref)
    walk.notes_questions()
    walk.ana.taps("Yes")
    by_link.reloads()
    by_link.presses("Connect")

    shared = walk.begins("shared")
    shared_ref = shared.ref
    walk.ana.opens(shared_ref)
    walk.ben.opens(shared_ref)

    typed = walk.begins("typed")
    walk.ben.types(TYPED_WRONG)
    walk.ben.types(typed.code)
    walk.notes_questions()
    # Six digits in a row may stand in a time of the log by chance, or in an id.
    walk.secrets["digits as sent"] = walk.ben.digits
    typed.reloads()
    typed.presses("Continue", code="canary-wrong-digits")
    typed.presses("Continue", code=walk.ben.digits)

    made = _made(services, jane)
    walk.secrets |= {"hand-over": made.handoff_token or "", "ref of API": made.secrets.ref}
    walk.secrets["code of API"] = made.secrets.shown_code
    shopper = Shopper(walk.app)
    for _ in range(2):
        shopper.posts(
            "/connect/handoff",
            {"token": made.handoff_token or ""},
            Origin=SHOP,
            **{"Sec-Fetch-Site": "cross-site"},
        )
        if shopper.sees.status == 303:
            shopper.address = shopper.sees.location
            walk.notes("handed over", shopper)
    shopper.opens(f"/connect/handoff?token={made.handoff_token}")
    walk.pages_of_others.append(shopper.sees.text)
    shopper.reloads()
    shopper.presses("Cancel")
    walk.looks_elsewhere()
    services.events.flush()

    said = "".join(capfd.readouterr())
    rows = _rows(services)
    places = {"log": said, "rows": "\n".join(rows), "others": "\n".join(walk.pages_of_others)}
    assert [] == [
        (name, where)
        for name, secret in walk.secrets.items()
        for where, words in places.items()
        if secret in words
    ]
    # Of resume: what is under way has it, and the notice of the link that it led to.
    assert [] == [where for where in ("log", "others") if RESUME in places[where]]
    assert "canary-wrong-digits" not in said
    holding = {row.partition(" ")[0] for row in rows if RESUME in row}
    assert holding <= {"browser_session", "invitation", "outbox"}, holding
    # What was looked for and looked through is what there is.
    kinds = {name.partition(" ")[0] for name in walk.secrets}
    assert {"session", "ref", "code", "nonce", "digits", "hand-over", "form"} <= kinds
    assert all(len(secret) >= 6 for secret in walk.secrets.values())
    for event in ("invitation.claimed", "invitation.refused", "handoff.refused", "link.made"):
        assert event in said


def _made(services: Services, subject: str) -> Created:
    offer = Offer(
        page_id=PAGE,
        user=User("local", subject),
        display_name="j•••@example.com",
        language="en",
        resume=RESUME,
    )
    return services.write(
        invitations.create_for_key,
        offer,
        services.rate_limit_keys.invitations("local", subject),
        api_key_id="k1",
        secret_key=services.settings.secret_key,
        at=clock.now(),
    )


def _rows(services: Services) -> list[str]:
    """Return every row of every table, its table first; bytes as the text that they may be."""
    with services.engine.connect() as connection:
        return [
            f"{table} " + json.dumps(dict(row), default=_plain, ensure_ascii=False)
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608 - our own tables
        ]


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

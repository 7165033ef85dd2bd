"""The webhook: its checks, what is read, and when 200 is answered (R39 to R50)."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import structlog
from flask import Flask
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.network.installation_proof import is_proof, new_nonce
from app.linking import attempts, link_queries
from app.linking.models import Attempt, Link, LinkEvent
from app.linking.values import LinkValue
from app.messenger.types import Psid
from app.services.container import Services
from tests.actors import Graph, Messenger, delivery, linked, message, unlinked
from tests.browsers import Browser, InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, ENVIRONMENT, PAGE, PUBLIC_URL
from tests.linking.factories import CODE_KEY, JANE, recognised, successor
from tests.web.gateway_client import GatewayClient, gateway_of

MOST_BYTES = 4 * 1024 * 1024


@pytest.fixture(params=["Flask", "gateway"])
def client(request: pytest.FixtureRequest, app: Flask, services: Services) -> Browser:
    """Return each of the two ways to the webhook: what is refused, neither lets in."""
    if request.param == "Flask":
        return InProcess(app, PUBLIC_URL)
    return GatewayClient(gateway_of(app, services, threads=4), PUBLIC_URL)


@pytest.fixture
def code(services: Services) -> str:
    """Return a code for Ana, who has confirmed as Jane a moment ago."""
    return services.write(_confirmed, ANA)


@on_sqlite
class TestHandshake:
    def test_the_challenge_is_echoed_and_nothing_else(self, messenger: Messenger) -> None:
        """R39."""
        answer = messenger.shakes_hands(challenge="1158201444")

        assert (200, b"1158201444") == (answer.status, answer.body)
        assert answer.headers["content-type"].startswith("text/plain")
        assert "nosniff" == answer.headers["x-content-type-options"]

    @pytest.mark.parametrize(
        "hub",
        [
            pytest.param({"verify_token": "wrong"}, id="wrong token"),
            pytest.param({"verify_token": ""}, id="empty token"),
            pytest.param({"verify_token": "\u00e9\u4e2d"}, id="token beyond ASCII"),
            pytest.param({"verify_token": ENVIRONMENT["VERIFY_TOKEN"] + " "}, id="a space more"),
            pytest.param({"verify_token": ENVIRONMENT["VERIFY_TOKEN"].upper()}, id="upper case"),
            pytest.param({"mode": "unsubscribe"}, id="another mode"),
            pytest.param({"mode": ""}, id="no mode"),
        ],
    )
    def test_whoever_does_not_know_the_token_hears_nothing(
        self, messenger: Messenger, hub: dict[str, str]
    ) -> None:
        """R39."""
        answer = messenger.shakes_hands(**hub)

        assert (403, b"") == (answer.status, answer.body)

    def test_whoever_does_not_know_the_token_may_ask_who_we_are(self, messenger: Messenger) -> None:
        """As `threadlink doctor` does before it sends the token; the answer is still empty."""
        nonce = new_nonce()

        answer = messenger.shakes_hands(verify_token="wrong", challenge=nonce)

        assert (403, b"") == (answer.status, answer.body)
        assert is_proof(
            answer.headers["threadlink-proof"],
            nonce,
            secret_keys=[ENVIRONMENT["SECRET_KEY"]],
            public_url=PUBLIC_URL,
        )

    @pytest.mark.parametrize(
        "challenge", ["", "1158201444", "n" * 42, "n" * 44, "n" * 42 + "=", "n" * 42 + "\u00e9"]
    )
    def test_only_a_nonce_of_one_length_is_proved_with(
        self, messenger: Messenger, challenge: str
    ) -> None:
        """Nobody can have a text of their own choice signed."""
        answer = messenger.shakes_hands(verify_token="wrong", challenge=challenge)

        assert "threadlink-proof" not in answer.headers

    @pytest.mark.parametrize(
        "challenge",
        ["", "<script>", "a b", "a\nb", "x" * 257, "\u00e9"],
        ids=["empty", "markup", "space", "line break", "long", "beyond ASCII"],
    )
    def test_a_challenge_that_could_be_markup_is_not_echoed(
        self, messenger: Messenger, challenge: str
    ) -> None:
        """R39."""
        answer = messenger.shakes_hands(challenge=challenge)

        assert (400, b"") == (answer.status, answer.body)


@on_sqlite
class TestSignature:
    @pytest.mark.parametrize(
        "header",
        [
            pytest.param("", id="empty"),
            pytest.param("{hex}", id="no algorithm"),
            pytest.param("sha1={hex}", id="another algorithm"),
            pytest.param("SHA256={hex}", id="upper-case name"),
            pytest.param(" sha256={hex} x", id="something behind"),
            pytest.param("sha256={short}", id="short"),
            pytest.param("sha256={hex}0", id="long"),
            pytest.param("sha256=" + "z" * 64, id="no hex"),
            pytest.param("sha256=" + "\u00e9" * 64, id="beyond ASCII"),
            pytest.param("sha256=" + "0" * 64, id="of something else"),
            pytest.param("sha256={hex}, sha256={hex}", id="twice"),
        ],
    )
    def test_what_is_not_signed_with_our_secret_stays_outside(
        self, services: Services, messenger: Messenger, code: str, header: str
    ) -> None:
        """R40: refused before anything is read, and nothing is stored."""
        body = delivery(linked(ANA, code, clock.now()))
        known = messenger.signature(body).removeprefix("sha256=")
        given = header.format(hex=known, short=known[:-1])

        answer = messenger.posts(body, **{"X-Hub-Signature-256": given})

        assert (403, {"error": "bad_signature"}) == (answer.status, json.loads(answer.body))
        assert _link(services, ANA) is None
        assert 0 == _count(services, LinkEvent)

    def test_a_delivery_without_any_signature_stays_outside(
        self, services: Services, client: Browser, code: str
    ) -> None:
        """R40, R41: the SHA-1 beside it counts for nothing."""
        body = delivery(linked(ANA, code, clock.now()))

        answer = client("POST", "/webhook", body=body, headers={"X-Hub-Signature": "sha1=" + "0"})

        assert 403 == answer.status
        assert _link(services, ANA) is None

    def test_another_apps_secret_is_refused(
        self, services: Services, client: Browser, code: str
    ) -> None:
        answer = Messenger(client, "another app's secret").tells(linked(ANA, code, clock.now()))

        assert 403 == answer.status
        assert _link(services, ANA) is None

    def test_a_signature_in_upper_case_is_good(self, messenger: Messenger) -> None:
        body = delivery(message(ANA, "hi", clock.now()))
        given = "sha256=" + messenger.signature(body).removeprefix("sha256=").upper()

        assert 200 == messenger.posts(body, **{"X-Hub-Signature-256": given}).status

    def test_one_flipped_bit_is_one_too_many(self, messenger: Messenger) -> None:
        """R42."""
        body = delivery(message(ANA, "hi", clock.now()))
        signature = messenger.signature(body)

        for place in (0, len(body) // 2, len(body) - 1):
            flipped = bytearray(body)
            flipped[place] ^= 1
            answer = messenger.posts(bytes(flipped), **{"X-Hub-Signature-256": signature})
            assert 403 == answer.status


class TestBytes:
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda body: body, id="as Messenger writes it"),
            pytest.param(lambda body: body.replace(b'"hi"', '"\U0001f600 é"'.encode()), id="emoji"),
            pytest.param(
                lambda body: body.replace(b'"hi"', b'"\\u00e9\\ud83d\\ude00"'), id="escaped"
            ),
            pytest.param(lambda body: body.replace(b'"hi"', b'"a\\/b"'), id="escaped slash"),
            pytest.param(lambda body: body.replace(b'"hi"', b'"\\ud83d"'), id="half an emoji"),
            pytest.param(lambda body: body.replace(b'"hi"', b'"\\u0000"'), id="NUL"),
            pytest.param(lambda body: body.replace(b",", b",\r\n"), id="CRLF"),
            pytest.param(lambda body: body + b"\n", id="line break at the end"),
            pytest.param(lambda body: body.replace(b"{", b'{"object":"x",', 1), id="key twice"),
        ],
    )
    def test_the_signature_is_of_the_bytes_as_they_came(
        self, services: Services, messenger: Messenger, code: str, change: Callable[[bytes], bytes]
    ) -> None:
        """R42: nothing is decoded before; and a neighbour's oddity costs nobody the link."""
        now = clock.now()
        body = change(delivery(message(BEN, "hi", now), linked(ANA, code, now)))

        answer = messenger.posts(body)

        assert 200 == answer.status
        assert _link(services, ANA) is not None

    @on_sqlite
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"hello", id="text"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b"null", id="null"),
            pytest.param(b'{"object":"page","entry":[', id="cut off"),
            pytest.param(b'{"object":"page","entry":[NaN]}', id="NaN"),
            pytest.param(b'{"object":"page","entry":[Infinity]}', id="Infinity"),
            pytest.param(b'{"object":"page","entry":[1]}\xff', id="no UTF-8"),
            pytest.param(b"[" * 100_000, id="deep"),
            pytest.param(b'{"object":' * 50_000, id="deep objects"),
            pytest.param(gzip.compress(b'{"object":"page"}'), id="gzip"),
        ],
    )
    def test_what_is_signed_and_no_delivery_is_answered_400(
        self, messenger: Messenger, body: bytes
    ) -> None:
        """R46: never 500, however odd."""
        answer = messenger.posts(body)

        assert (400, {"error": "bad_payload"}) == (answer.status, json.loads(answer.body))

    @on_sqlite
    def test_a_body_beyond_the_limit_is_answered_413(
        self, services: Services, messenger: Messenger, code: str
    ) -> None:
        """R45: the gateway refuses a larger body itself, and Flask answers by name."""
        body = delivery(linked(ANA, code, clock.now()))

        answer = messenger.posts(body + b" " * (MOST_BYTES + 1 - len(body)))

        assert 413 == answer.status
        assert answer.body in {b"", b'{"error":"too_large"}\n'}
        assert _link(services, ANA) is None

    def test_a_body_at_the_limit_is_taken(
        self, services: Services, messenger: Messenger, code: str
    ) -> None:
        body = delivery(linked(ANA, code, clock.now()))

        answer = messenger.posts(body + b" " * (MOST_BYTES - len(body)))

        assert 200 == answer.status
        assert _link(services, ANA) is not None

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_the_content_type_decides_nothing(
        self, services: Services, messenger: Messenger, code: str, kind: str
    ) -> None:
        """R45."""
        body = delivery(linked(ANA, code, clock.now()))

        answer = messenger.posts(body, **{"Content-Type": kind})

        assert 200 == answer.status
        assert _link(services, ANA) is not None


class TestEvents:
    @pytest.mark.parametrize("place", [0, 500, 999])
    def test_one_bad_event_among_a_thousand_costs_nobody_anything(
        self, services: Services, messenger: Messenger, code: str, place: int
    ) -> None:
        """R47."""
        now = clock.now()
        events = [message(BEN, "hi", now) for _ in range(999)]
        events.insert(place, {**linked(BEN, "tl_x", now), "sender": 17})

        answer = messenger.tells(*events, linked(ANA, code, now))

        assert 200 == answer.status
        assert _link(services, ANA) is not None

    @on_sqlite
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"object": "instagram", "entry": [{"id": "1"}]}, id="another object"),
            pytest.param({"object": "page", "entry": []}, id="no entry"),
            pytest.param({"object": "page", "entry": [7, None, {}]}, id="entries of all sorts"),
            pytest.param(
                {"object": "page", "entry": [{"id": PAGE, "changes": [{}]}]}, id="changes"
            ),
            pytest.param({"object": "page"}, id="entry missing"),
            pytest.param({"entry": "?"}, id="wrong types"),
        ],
    )
    def test_what_is_not_ours_is_answered_200(
        self, services: Services, messenger: Messenger, body: object
    ) -> None:
        """R47: a refusal would make Meta repeat it, and at last turn the webhook off."""
        answer = messenger.posts(json.dumps(body).encode())

        assert (200, b"") == (answer.status, answer.body)
        assert 0 == _count(services, LinkEvent)

    def test_a_thread_that_another_app_owns_is_linked_as_well(
        self, services: Services, messenger: Messenger, code: str
    ) -> None:
        """R47: such events come in `standby`."""
        body = delivery(linked(ANA, code, clock.now())).replace(b'"messaging"', b'"standby"')

        assert 200 == messenger.posts(body).status
        assert _link(services, ANA) is not None

    @pytest.mark.parametrize(
        ("given", "escaped"),
        [("tl_\u0000", "tl_\\u0000"), ("tl_\u00e9", "tl_\\ud800"), ("x" * 513, "x" * 513)],
        ids=["NUL", "lone surrogate", "long"],
    )
    def test_codes_that_no_database_holds_are_answered_200(
        self, services: Services, messenger: Messenger, given: str, escaped: str
    ) -> None:
        """R34, R48."""
        body = delivery(linked(ANA, "CODE", clock.now())).replace(b"CODE", escaped.encode())

        assert 200 == messenger.posts(body).status
        assert _link(services, ANA) is None
        assert given not in str(services.read(_all_events))

    @pytest.mark.parametrize("psid", ["\\u0000", "\\ud800", "", "x" * 65, " 1"])
    def test_ids_that_no_database_holds_are_answered_200(
        self, services: Services, messenger: Messenger, code: str, psid: str
    ) -> None:
        """R48: and the code in the event is burnt."""
        now = clock.now()
        odd = delivery(linked("PSID", code, now)).replace(b"PSID", psid.encode())

        first = messenger.posts(odd)
        messenger.tells(linked(ANA, code, now))

        assert 200 == first.status
        assert _link(services, ANA) is None

    def test_link_and_unlink_in_one_delivery_follow_their_times(
        self, services: Services, messenger: Messenger, code: str
    ) -> None:
        """R35: whatever their order in the body."""
        now = clock.now()

        messenger.tells(unlinked(ANA, now + timedelta(seconds=1)), linked(ANA, code, now))

        assert _link(services, ANA) is None

    def test_the_same_delivery_ten_times_is_one_link_and_one_row(
        self, services: Services, messenger: Messenger, code: str
    ) -> None:
        """R33, R36."""
        body = delivery(linked(ANA, code, clock.now()))

        statuses = {messenger.posts(body).status for _ in range(10)}

        assert {200} == statuses
        assert 1 == _count(services, LinkEvent)
        assert 1 == _count(services, Link)

    @pytest.mark.parametrize(
        "passed", [timedelta(minutes=16), -timedelta(hours=49)], ids=["ahead", "late"]
    )
    def test_an_odd_event_time_is_acted_on_and_logged(
        self, services: Services, messenger: Messenger, passed: timedelta
    ) -> None:
        """R38."""
        with structlog.testing.capture_logs() as logs:
            answer = messenger.tells(unlinked(ANA, clock.now() + passed))

        assert 200 == answer.status
        assert "link.odd_event_time" in [line["event"] for line in logs]
        assert 1 == _count(services, LinkEvent)

    def test_an_ordinary_event_time_is_not_logged(self, messenger: Messenger) -> None:
        with structlog.testing.capture_logs() as logs:
            messenger.tells(unlinked(ANA, clock.now() - timedelta(hours=47)))

        assert "link.odd_event_time" not in [line["event"] for line in logs]

    def test_a_stolen_code_is_an_error_in_the_log_without_the_code(
        self, messenger: Messenger, code: str
    ) -> None:
        """R32, R110."""
        with structlog.testing.capture_logs() as logs:
            messenger.tells(linked(BEN, code, clock.now()))

        (line,) = (line for line in logs if line["event"] == "link.refused")
        assert ("error", "other person") == (line["log_level"], line["reason"])
        assert code not in str(logs)


class TestAnswer:
    def test_nobody_is_called_while_messenger_waits(
        self, graph: Graph, messenger: Messenger, code: str
    ) -> None:
        """R50: a call to Messenger, where one is needed, is made by the worker."""
        now = clock.now()

        statuses = [
            messenger.tells(linked(BEN, "tl_made-up", now)).status,
            messenger.tells(linked(ANA, code, now)).status,
        ]

        assert [200, 200] == statuses
        assert [] == graph.calls

    def test_what_cannot_be_committed_is_answered_503_and_half_done_by_nobody(
        self, services: Services, messenger: Messenger, code: str, engine: Engine
    ) -> None:
        """R49: Messenger repeats it, and the repeat makes the link."""
        now = clock.now()
        body = delivery(linked(BEN, "tl_made-up", now), linked(ANA, code, now))
        with engine.connect() as other:
            _lock_links(other)
            refused = messenger.posts(body)
        left = _count(services, LinkEvent)

        repeated = messenger.posts(body)

        assert 503 == refused.status
        assert refused.headers["retry-after"].isdecimal()
        assert 0 == left
        assert 200 == repeated.status
        assert _link(services, ANA) is not None

    @on_sqlite
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_another_method_is_answered_405_with_those_allowed(
        self, client: Browser, method: str
    ) -> None:
        """R45."""
        answer = client(method, "/webhook")

        assert 405 == answer.status
        assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def _confirmed(session: Session, psid: Psid) -> str:
    at = clock.now()
    ticket = attempts.open_(session, page_id=PAGE, account_linking_token="T", at=at)
    attempts.recognise(session, ticket, recognised(psid, "Ana Berg"), at=at)
    renewed = successor(ticket)
    attempts.sign_in(session, ticket, JANE, renewed, at=at)
    return attempts.confirm(session, renewed, code_key=CODE_KEY, max_links=5, at=at)


def _link(services: Services, psid: Psid) -> LinkValue | None:
    return services.read(link_queries.find_link, PAGE, psid)


def _count(services: Services, table: type[Link | LinkEvent | Attempt]) -> int:
    query = select(func.count()).select_from(table)
    return services.read(lambda session: session.scalar(query)) or 0


def _all_events(session: Session) -> list[object]:
    return [tuple(row) for row in session.execute(select(LinkEvent.__table__))]


def _lock_links(connection: Connection) -> None:
    """Hold what every writer of links needs, until the connection is given back."""
    # SQLite has one lock for all, and BEGIN takes it.
    connection.execute(text("SELECT 1"))
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE link IN ACCESS EXCLUSIVE MODE"))

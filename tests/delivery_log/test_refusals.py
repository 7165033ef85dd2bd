"""A log that takes nothing: 503 in time, said in the log of events, and nothing given away."""

import json
import signal
import socket
import threading
from dataclasses import replace
from typing import Any, Final

import pytest
from nats.js import JetStreamContext
from nats.js.errors import ServerError
from sqlalchemy import URL
from structlog.testing import capture_logs

from app import create_app
from app.delivery_log.nats_log import pause_after
from app.delivery_log.nats_stream import StreamNotMade, create_stream
from app.infra import clock
from app.infra.database.writer import Writer
from app.infra.network.egress import DIRECT
from app.infra.settings.nats_url import nats_address
from app.services.container import build
from app.setup.log_checks import check_delivery_log
from tests import nats_cluster
from tests.actors import Messenger, delivery, message
from tests.browsers import Answer, InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, PUBLIC_URL, settings_for
from tests.nats_cluster import Cluster
from tests.ports import free_port
from tests.web.gateway_client import GatewayClient, gateway_of

PASSWORD: Final = "canary-nats-password"
USER: Final = f'authorization {{ user: "threadlink", password: "{PASSWORD}" }}'


def body() -> bytes:
    return delivery(message(ANA, "hi", clock.now()))


def asked(
    database: URL, url: str, content: bytes, *, limit_seconds: float = 0.3
) -> tuple[Answer, Any, Any, list[Any]]:
    """Return the answers to a delivery, to /readyz and of `doctor`, and what is logged."""
    built = build(settings_for(database, BOT_MESSENGER_URL=url), limit_seconds=limit_seconds)
    app = create_app(built)
    with capture_logs() as lines:
        try:
            answer = Messenger(GatewayClient(gateway_of(app, built), PUBLIC_URL)).posts(content)
            ready = InProcess(app, PUBLIC_URL)("GET", "/readyz")
            assert built.delivery_log
            address = built.settings.bot.messenger_log
            assert address
            finding, *_ = check_delivery_log(built.delivery_log, address, within=0.3)
        finally:
            built.close()
    return answer, json.loads(ready.body), finding, [*lines]


def refusals(lines: list[Any]) -> list[tuple[str, str]]:
    return [(it["problem"], it["reason"]) for it in lines if it["event"] == "delivery_log.failed"]


@on_sqlite
@pytest.mark.parametrize("where", ["no stream", "nobody"])
def test_a_log_that_is_not_there_is_503_and_said(
    database: URL, stream: Cluster, where: str
) -> None:
    """R49: Messenger gets 503 with Retry-After in time; /readyz and doctor say why."""
    reason, url, told = {
        "no stream": ("no stream", f"{stream.url}-other", "has no stream"),
        "nobody": ("unreachable", f"nats://127.0.0.1:{free_port()}", "there is no connection"),
    }[where]

    answer, ready, finding, lines = asked(database, url, body())

    assert (503, "5") == (answer.status, answer.headers["retry-after"])
    assert {"error": "log_unavailable"} == json.loads(answer.body)
    assert [("log_unavailable", reason)] == refusals(lines)
    assert ("ok", reason) == (ready["status"], ready["log"])
    assert ("problem", True) == (finding.verdict, told in finding.words)


@on_sqlite
def test_a_log_that_tells_nothing_of_its_stream_makes_no_server_unready(
    database: URL, stream: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JetStream's 500, as of a stream that is offline: /readyz was 503, and doctor a traceback."""

    async def refuse(_self: JetStreamContext, _name: str) -> None:
        raise ServerError(code=500, err_code=10118, description="stream is offline")

    monkeypatch.setattr(JetStreamContext, "stream_info", refuse)
    answer, ready, finding, _ = asked(database, stream.url, body(), limit_seconds=60)

    assert 200 == answer.status
    assert ("ok", "refused") == (ready["status"], ready["log"])
    assert ("problem", True) == (finding.verdict, "refuses to tell" in finding.words)


@on_sqlite
def test_a_server_that_freezes_is_503_until_it_thaws(database: URL, stream: Cluster) -> None:
    """Its connection stays, and says nothing: a new one is made as soon as it may."""
    (server,) = stream.servers
    built = build(settings_for(database, BOT_MESSENGER_URL=stream.url), limit_seconds=0.3)
    patient = replace(built, writer=Writer(built.engine, limit_seconds=60))
    posts = [
        Messenger(GatewayClient(gateway_of(create_app(each), each), PUBLIC_URL)).posts
        for each in (patient, built, patient)
    ]

    before = posts[0](body()).status
    server.send(signal.SIGSTOP)
    try:
        frozen = posts[1](body()).status
    finally:
        server.send(signal.SIGCONT)
    after = posts[2](body()).status
    patient.delivery_counter.close()
    patient.writer.close()
    built.close()

    assert (200, 503, 200) == (before, frozen, after)


def test_the_longer_a_log_is_away_the_seldomer_it_is_tried() -> None:
    """Ten tries a second of each process, with TLS and a login, kept a cluster from its start."""
    assert pause_after(0) <= 0.1
    pauses = {pause_after(600) for _ in range(10)}
    assert len(pauses) > 1
    assert all(1 <= pause <= 2 for pause in pauses)


@on_sqlite
def test_what_is_larger_than_the_servers_take_is_refused_alone(
    database: URL, stream: Cluster
) -> None:
    """The server would end the connection, and with it what others wait for."""
    large = delivery(message(ANA, "x" * 1024 * 1024, clock.now()))

    answer, ready, _, lines = asked(database, stream.url, large, limit_seconds=60)

    assert 503 == answer.status
    assert [("log_unavailable", "too large")] == refusals(lines)
    assert "ok" == ready["log"]
    assert [] == stream.stored()


@on_sqlite
def test_a_wrong_password_is_said_and_never_shown(database: URL) -> None:
    with nats_cluster.running(more=USER) as cluster:
        right = Cluster(cluster.servers, f"threadlink:{PASSWORD}@")
        right.create_stream()
        taken, *_ = asked(database, right.url, body(), limit_seconds=60)
        wrong = right.url.replace(PASSWORD, f"{PASSWORD}-wrong")
        answer, _, finding, lines = asked(database, wrong, body())

    assert (200, 503) == (taken.status, answer.status)
    assert "the user, password, token or credentials" in finding.words
    assert "canary" not in f"{lines}{finding}{answer.body!r}"


def test_tls_is_not_given_up_because_a_server_does_not_ask_for_it() -> None:
    """Whoever stands between leaves out `tls_required`, and reads the password."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            connection.sendall(b'INFO {"max_payload":1048576,"auth_required":true}\r\n')
            heard.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"tls://threadlink:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/messenger"
        with pytest.raises(StreamNotMade, match="does not ask for TLS"):
            create_stream(nats_address(url), DIRECT, replicas=1, retention=nats_cluster.RETENTION)
        thread.join()

    assert [b""] == heard

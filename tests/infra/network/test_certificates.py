"""A server whose certificate nobody vouches for gets no request from any client (R103, R101)."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.upstream import UpstreamClient
from app.infra.network.http_client import Deadline
from app.messenger.errors import GraphUnavailable
from app.messenger.graph.transport import Call, GraphTransport
from app.outbox.handlers import RetryLater
from app.outbox.http_post import HttpPoster

LIMIT_S = 10.0


@dataclass
class Impostor:
    """A TLS server with a certificate of its own making, which keeps what it was sent."""

    url: str
    heard: list[bytes] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Return what the impostor proves itself by: made for this very address, and self-signed."""
    folder: Path = tmp_path_factory.mktemp("impostor")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture
def impostor(context: ssl.SSLContext) -> Iterator[Impostor]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        impostor = Impostor(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_listen, args=(listener, context, impostor))
        thread.start()
        try:
            yield impostor
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _listen(listener: socket.socket, context: ssl.SSLContext, impostor: Impostor) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(LIMIT_S)
        impostor.came.set()
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as talking:
            impostor.heard.append(talking.recv(1))


def _asks_graph(url: str) -> None:
    GraphTransport(token="canary", base_url=url).send(Call(name="ask", method="GET", path="/me"))


def _asks_a_provider(url: str) -> None:
    UpstreamClient().post(url, b"canary", headers={}, deadline=Deadline(LIMIT_S))


def _tells_the_bot(url: str) -> None:
    HttpPoster(url, connections=1, total_s=LIMIT_S).post(b"canary", {})


@pytest.mark.parametrize(
    ("ask", "failure"),
    [
        (_asks_graph, GraphUnavailable),
        (_asks_a_provider, AuthenticatorUnavailable),
        (_tells_the_bot, RetryLater),
    ],
)
def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(
    impostor: Impostor, ask: Callable[[str], None], failure: type[Exception]
) -> None:
    """Directories: tests/accounts/test_ldap.py."""
    with pytest.raises(failure):
        ask(impostor.url)

    assert impostor.came.is_set()
    assert b"" == b"".join(impostor.heard)

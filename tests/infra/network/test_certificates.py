"""A server whose certificate nobody vouches for gets no request from any client (R103, R101)."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import MaxRetryError, SSLError

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.accounts.upstream import UpstreamClient
from app.infra.network.certificate_faults import certificate_fault
from app.infra.network.http_client import Deadline
from app.messenger.errors import GraphUnavailable
from app.messenger.graph.transport import Call, GraphTransport
from app.outbox.handlers import RetryLater
from app.outbox.http_post import HttpPoster
from tests.certificates import self_signed

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
    context, _ = self_signed(tmp_path_factory.mktemp("impostor"))
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


def test_a_certificate_is_trusted_by_the_file_that_names_it(
    impostor: Impostor, tmp_path: Path
) -> None:
    """Of a provider or endpoint with a CA of its own; any other CA is then not trusted."""
    url = impostor.url.removeprefix("https://").partition(":")
    pem = ssl.get_server_certificate((url[0], int(url[2])))
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(pem)

    with pytest.raises(AuthenticatorUnavailable) as unanswered:
        UpstreamClient(ca_file=str(ca_file)).get(impostor.url, deadline=Deadline(LIMIT_S))

    # It hangs up, after it has heard the request.
    assert b"G" == b"".join(impostor.heard)
    assert not isinstance(unanswered.value, AuthenticatorMisconfigured)


def test_a_file_of_certificates_that_is_gone_is_no_error_of_ours(impostor: Impostor) -> None:
    with pytest.raises(AuthenticatorUnavailable):
        UpstreamClient(ca_file="/nowhere/ca.pem").get(impostor.url, deadline=Deadline(LIMIT_S))

    assert [] == impostor.heard


def test_the_operator_hears_what_is_wrong_with_a_certificate(impostor: Impostor) -> None:
    """An unknown CA is no outage: no waiting cures it."""
    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        UpstreamClient().get(impostor.url, deadline=Deadline(LIMIT_S))

    assert "certificate: of an unknown CA" == wrong.value.reason
    assert "_CA_FILE" in wrong.value.fix


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (10, "certificate: expired"),
        (9, "certificate: not valid yet"),
        (20, "certificate: of an unknown CA"),
        (62, "certificate: for another host"),
        (23, "certificate: not acceptable"),
    ],
)
def test_each_cause_has_its_words(code: int, words: str) -> None:
    cause = ssl.SSLCertVerificationError()
    cause.verify_code = code
    around = requests.exceptions.SSLError(MaxRetryError(None, "/", SSLError(cause)))  # type: ignore[arg-type]

    assert words == certificate_fault(around)
    assert certificate_fault(requests.exceptions.SSLError("something else")) is None


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

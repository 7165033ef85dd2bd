import gzip
import socket
import threading
from time import monotonic
from typing import Any

import pytest

from app.infra.network.http_client import Deadline
from app.messenger.errors import GraphUnavailable
from app.messenger.graph.transport import MAX_ANSWER, Call, GraphTransport, Observation
from tests.messenger.loopback import Script, hang_up, peer

ASK = Call(name="ask", method="GET", path="/me")
HEAD = b"HTTP/1.1 200 OK\r\n"


def drip(beginning: bytes, again: bytes, *, pause_s: float = 0.05) -> Script:
    """Return a script that sends without end."""
    between = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while not between.wait(pause_s):
            connection.sendall(again)

    return script


def be_silent(connection: socket.socket) -> None:
    connection.recv(1)


def send(base_url: str, *, total_s: float = 10) -> dict[str, Any]:
    return GraphTransport(token="PAGE", base_url=base_url).send(ASK, deadline=Deadline(total_s))


@pytest.mark.parametrize(
    "script",
    [
        drip(b"", b"\0"),
        drip(HEAD + b"X: ", b"a"),
        drip(HEAD + b"Content-Length: 1000\r\n\r\n", b" "),
        drip(HEAD + b"\r\n", b" "),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, pause_s=0),
        be_silent,
    ],
    ids=[
        "status line",
        "headers",
        "body",
        "body without length",
        "chunks",
        "100 Continue",
        "a flood of 100 Continue",
        "nothing at all",
    ],
)
def test_a_dripping_peer_cannot_extend_the_deadline(script: Script) -> None:
    """
    R103: each byte in time, the answer never: requests alone would wait for ever.
    """
    began = monotonic()

    with peer(script) as base_url, pytest.raises(GraphUnavailable):
        send(base_url, total_s=0.3)

    assert monotonic() - began < 3


@pytest.mark.parametrize(
    "head",
    [b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 99999999\r\n\r\n"],
    ids=["without length", "chunked", "with its length"],
)
def test_an_answer_without_end_is_not_read_to_its_end(head: bytes) -> None:
    """
    R105: what is read of it fits in memory many times over.
    """
    body = b" " * (2 * MAX_ANSWER)
    chunk = b"%x\r\n%s\r\n" % (len(body), body) if b"chunked" in head else body

    with (
        peer(hang_up(HEAD, head, chunk)) as base_url,
        pytest.raises(GraphUnavailable, match="without end"),
    ):
        send(base_url)


def test_a_compressed_answer_is_not_unpacked() -> None:
    """
    R105: a small answer cannot become a large one.
    """
    head = HEAD + b"Content-Encoding: gzip\r\n\r\n"

    with (
        peer(hang_up(head, gzip.compress(b"{}"))) as base_url,
        pytest.raises(GraphUnavailable, match="no JSON object"),
    ):
        send(base_url)


def test_tries_share_one_deadline() -> None:
    """
    R103: the total is a total of all tries, and no try is begun in vain.
    """
    seen: list[Observation] = []
    call = Call(name="ask", method="GET", path="/me", may_repeat=True)

    with peer(drip(HEAD + b"X: ", b"a")) as base_url, pytest.raises(GraphUnavailable):
        GraphTransport(token="PAGE", base_url=base_url, observe=seen.append).send(
            call, deadline=Deadline(0.3)
        )

    assert ["GraphUnavailable"] == [one.outcome for one in seen]


def test_after_the_deadline_nothing_is_sent() -> None:
    """
    R103: two calls of one sign-in share four seconds.
    """
    with pytest.raises(GraphUnavailable, match="no time left"):
        send("http://127.0.0.1:9", total_s=0)


def test_a_good_connection_is_used_again() -> None:
    """
    A handshake for each call would cost more than the call.
    """
    callers = []

    def script(connection: socket.socket) -> None:
        callers.append(connection.getpeername())
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with peer(script) as base_url:
        graph = GraphTransport(token="PAGE", base_url=base_url)
        answers = [graph.send(ASK) for _ in range(3)]

    assert [{}, {}, {}] == answers
    assert 3 == len(callers)
    assert 1 == len(set(callers))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n{}",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
        HEAD + b"X: y\r\n" * 200 + b"\r\n{}",
        HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n{}",
        HEAD + b"X\r\n\r\n",
    ],
    ids=lambda answer: repr(answer[17:60]),
)
def test_a_broken_answer_may_be_better_next_time(answer: bytes) -> None:
    """
    R105: nothing that a peer sends ends in an error of another kind.
    """
    with peer(hang_up(answer)) as base_url, pytest.raises(GraphUnavailable):
        send(base_url)


def test_a_refused_connection_may_succeed_next_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        base_url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(GraphUnavailable):
        send(base_url)


def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """R103: the total includes the name look-up; a connection that comes too late is closed."""
    may_answer = threading.Event()
    look_up = socket.getaddrinfo

    def hang(*args: Any, **kwargs: Any) -> Any:
        may_answer.wait()
        return look_up(*args, **kwargs)

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", hang)

        with pytest.raises(GraphUnavailable, match="ConnectTimeout"):
            send(f"http://127.0.0.1:{server.getsockname()[1]}", total_s=0.5)
        may_answer.set()
        with server.accept()[0] as late:
            asked = late.recv(1)

    assert b"" == asked

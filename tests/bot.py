"""A bot on a port of its own, which takes what is posted to it and answers as it is told."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; *headers* find a name in any case."""

    path: str
    headers: Message
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the bot; *body* may come in parts, of which each takes its time."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""


class Bot:
    """Notes what it receives; *reply* says what it answers, and may misbehave."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        # Else it answers, and forgets.
        self.remembers = True
        self.reply: Callable[[Received], Reply | None] = lambda _: Reply()
        # Set at the end of the test: whoever hangs does so until then.
        self.is_over = threading.Event()

    def answers(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer *status* from now on."""
        self.reply = lambda _: Reply(status, headers or {})

    def hangs(self) -> None:
        """Take requests from now on, and answer none."""
        self.reply = self._hang

    def drips(self) -> None:
        """Begin an answer of 200 from now on, and go on with it byte by byte to no end."""
        self.reply = lambda _: Reply(200, {}, self._drops())

    def resets(self) -> None:
        """Break the connection from now on, without a word."""
        self.reply = lambda _: None

    def _drops(self) -> Iterator[bytes]:
        while not self.is_over.wait(0.02):
            yield b"."

    def _hang(self, _: Received) -> None:
        self.is_over.wait()


@contextmanager
def running() -> Iterator[Bot]:
    """Yield a bot that listens, and stop it after."""
    bot = Bot()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _serve(self, bot)

        def do_POST(self) -> None:
            _serve(self, bot)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # whoever is left hanging, or reset, goes away

    server = Server(("127.0.0.1", 0), Handler)
    bot.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield bot
    finally:
        bot.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for_posts(bot: Bot, count: int) -> None:
    """Wait until *bot* has received so many."""
    tick = threading.Event()
    while len(bot.received) < count:
        tick.wait(0.005)


def _serve(handler: BaseHTTPRequestHandler, bot: Bot) -> None:
    body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    received = Received(handler.path, handler.headers, body)
    if bot.remembers:
        bot.received.append(received)
    reply = bot.reply(received)
    if reply is None:
        # To linger for no time is to reset.
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.close_connection = True
        return
    handler.send_response_only(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if isinstance(reply.body, bytes):
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)
        return
    # Without a length: until the connection ends.
    handler.close_connection = True
    handler.end_headers()
    for part in reply.body:
        handler.wfile.write(part)

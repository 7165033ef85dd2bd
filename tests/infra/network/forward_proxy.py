"""A forward proxy for CONNECT on loopback, and a TLS server that it leads every name to."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_METHOD: Final = b"CONNECT "
_BLOCK: Final = 64 * 1024
_ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}'

Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ForwardProxy:
    """The proxy: what it was asked, what the server behind it was sent, and how it answers."""

    port: int = 0
    # Each request's head, without its body.
    asked: list[str] = field(default_factory=list)
    behind: list[bytes] = field(default_factory=list)
    # In place of a tunnel; empty: there is one.
    says: bytes = b""
    hangs: bool = False
    behind_port: int = 0

    @property
    def targets(self) -> list[str]:
        """The hosts and ports that it was asked for."""
        return [head.split()[1] for head in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        begins = await reader.readexactly(len(_METHOD))
        if begins != _METHOD:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        head = begins + await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode("latin-1"))
        if self.hangs:
            await reader.read()
        elif self.says:
            writer.write(self.says)
        else:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.behind_port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
            finally:
                await _close(far_writer)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request at the server behind."""
        self.behind.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(_ANSWER)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(_BLOCK):
        writer.write(block)
    writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _quietly(answer: Answer) -> Answer:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await answer(reader, writer)
            await writer.drain()
        await _close(writer)

    return run


@contextmanager
def forward_proxy(
    behind: ssl.SSLContext, *, own: ssl.SSLContext | None = None
) -> Iterator[ForwardProxy]:
    """Yield a proxy, which speaks TLS itself with *own*; the server behind has *behind*."""
    proxy, ready, done = ForwardProxy(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        servers = [
            await asyncio.start_server(_quietly(proxy.serve), "127.0.0.1", 0, ssl=own),
            await asyncio.start_server(_quietly(proxy.answer), "127.0.0.1", 0, ssl=behind),
        ]
        proxy.port, proxy.behind_port = (each.sockets[0].getsockname()[1] for each in servers)
        ready.set()
        await done.wait()
        for server in servers:
            server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.run_until_complete(_end_all())
        loop.close()


async def _end_all() -> None:
    """Wait for the connections that are still open, which their clients have left."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

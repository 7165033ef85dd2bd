"""An HTTP client of prepared bytes, so that it takes little of the processor that it shares."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 40


@dataclass(frozen=True, slots=True)
class RawReply:
    """An answer, its header fields by their names in lower case."""

    status: int
    fields: Mapping[str, str]
    body: str


class RawConnection:
    """A keep-alive connection to *port* on loopback, opened anew when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, *parts: bytes) -> RawReply:
        """Send the *parts* of a request, and return the answer, with status 0 if there is none."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await self._opened()
                with suppress(ConnectionError):
                    # The server may refuse the beginning; its answer can still be read.
                    for part in parts:
                        writer.write(part)
                        await writer.drain()
                return await self._answer(reader)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            self.close()
            return RawReply(0, {}, "")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader) -> RawReply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.split("\r\n")
        named = (line.partition(":") for line in lines)
        fields = {name.lower(): value.strip() for name, _, value in named}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return RawReply(int(status_line.split()[1]), fields, body.decode("latin-1"))

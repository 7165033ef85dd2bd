"""Connections to a cluster of NATS: one client for each, given up as soon as it does not answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from app.infra.settings.nats_url import NatsAddress

# To connect to one server, and to each of its answers.
_CONNECT_S: Final = 1
# How often the connection is tried when nothing else would show that the server is gone.
_BEAT_S: Final = 1.0
_ANSWER_S: Final = 2.0
_CLOSE_S: Final = 1.0
_NOT_YET: Final = "there is no connection yet"


class _NoTls(NatsError):
    """The server would be spoken to in clear."""


class _Client(Client):
    """A client that speaks to a server of ``tls://`` by TLS or not at all.

    nats-py begins TLS only where the server's first line asks for it, which anybody on the way to
    the server could leave out.
    """

    def __init__(self, *, is_encrypted: bool) -> None:
        super().__init__()
        self._is_encrypted = is_encrypted

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's signature
        if initial_connection and self._is_encrypted and not info.get("tls_required"):
            raise _NoTls
        await super()._process_info(info, initial_connection)


_WORDS: Final = (
    (_NoTls, "it does not ask for TLS, as tls:// wants"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted: CA_FILE"),
    (ssl.SSLError, "TLS fails"),
    # It does so after a login that it refuses, and the reason may be lost.
    (
        ConnectionResetError,
        "it ends the connection: look at the user, password, token or credentials",
    ),
)


class Connector:
    """Connects to the servers of *address*; *tls* says whom to trust."""

    def __init__(self, address: NatsAddress, tls: ssl.SSLContext) -> None:
        self._address, self._tls = address, tls
        # The reason why there is no connection, in words for operators.
        self.why = _NOT_YET

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[Client, Callable[[], Awaitable[None]]]]:
        """Yield a client that is connected, and what waits until its connection is lost.

        Raises:
            nats.errors.Error, OSError, TimeoutError: No server takes us.
        """
        address, closed = self._address, asyncio.Event()
        client = _Client(is_encrypted=address.is_encrypted)

        async def note_closed() -> None:
            closed.set()

        try:
            await client.connect(
                servers=[*address.servers],
                error_cb=self._note,
                closed_cb=note_closed,
                name="threadlink",
                # A client that reconnects waits for the old connection to end, which it never does
                # where the server is frozen. And once through all servers it has to begin anew.
                allow_reconnect=False,
                max_reconnect_attempts=1,
                connect_timeout=_CONNECT_S,
                reconnect_time_wait=0,
                tls=self._tls,
                user=address.user,
                password=address.password,
                token=address.token,
                user_credentials=address.credentials,
            )
            if not client.is_connected:
                raise ConnectionResetError
            self.why = "it does not answer in time"
            yield client, partial(_loss, client, closed)
            self.why = "the connection was lost"
        except (NatsError, OSError, TimeoutError) as exc:
            await self._note(exc)
            raise
        finally:
            with suppress(NatsError, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), _CLOSE_S)

    async def _note(self, exc: Exception) -> None:
        # That no server is left is told last, and says nothing of why.
        if type(exc).__name__ != "NoServersError":
            self.why = _words(exc)


async def _loss(client: Client, closed: asyncio.Event) -> None:
    """Return when *client* has lost its connection, or gets no answer."""
    while not closed.is_set():
        try:
            async with asyncio.timeout(_ANSWER_S):
                await client.flush()
        except (NatsError, OSError, TimeoutError):
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), _BEAT_S)


def _words(exc: Exception) -> str:
    for kind, words in _WORDS:
        if isinstance(exc, kind):
            return words
    told = str(exc).lower()
    if "authorization" in told or "authentication" in told:
        return "it refuses the user, password, token or credentials"
    if "permissions violation" in told:
        return "the user may not do what is needed"
    return "there is no connection"

"""The delivery log in NATS JetStream: an entry is in the stream once JetStream acknowledges it.

The stream is in charge of copies (a majority of its replicas has written what is acknowledged) and
of repeats: it drops a message whose `Nats-Msg-Id` it has seen within its duplicate window
(docs.nats.io, "JetStream model deep dive", read 2026-11). So a publish whose acknowledgement is
lost is simply sent again.
"""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from app.delivery_log.client_loop import ClientLoop
from app.delivery_log.log import Entry, LogState, NotAppended, Reason
from app.delivery_log.nats_client import Connector
from app.infra.observability import metrics

log = structlog.get_logger()

MESSAGE_ID: Final = "Nats-Msg-Id"
# The last token of the subject of what is not about one Page alone.
OTHER: Final = "other"

# An acknowledgement that takes longer may be lost, with the server that it would have come from.
_TRY_S: Final = 1.0
_PAUSE_S: Final = 0.1
# Between two tries to connect, at most.
_LONGEST_PAUSE_S: Final = 2.0
# Who comes while there has been no connection for so long is refused at once.
_AWAY_S: Final = 3.0
_LOOK_S: Final = 2.0
# For the protocol's own lines and headers, beside those of an entry.
_FRAME_BYTES: Final = 512
_OTHER_STREAM: Final = 10060
_TOO_LARGE: Final = 10054


class _Connection(NamedTuple):
    client: Client
    stream: JetStreamContext


class NatsLog:
    """Appends to the *stream* in the cluster that *connector* connects to."""

    def __init__(self, connector: Connector, stream: str) -> None:
        self._connector, self._stream = connector, stream
        self._home = ClientLoop(self._stay_connected)
        self._current: _Connection | None = None
        self._connected = asyncio.Event()
        self._away_since: float | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._home.start(loop)

    async def append(self, entry: Entry, *, within: float) -> None:
        self.start()
        await self._home.run(self._append(entry, within))

    def append_and_wait(self, entry: Entry, *, within: float) -> None:
        self.start()
        self._home.run_and_wait(self._append(entry, within))

    def look(self, *, within: float) -> LogState:
        self.start()
        return self._home.run_and_wait(self._look(within))

    def close(self) -> None:
        self._home.close()

    async def _append(self, entry: Entry, within: float) -> None:
        headers = {**entry.headers, MESSAGE_ID: entry.id}
        subject = f"{self._stream}.{_token(entry.page_id)}"
        try:
            outcome = await self._publish(subject, entry.body, headers, within)
        except NotAppended as exc:
            metrics.count_log_entry(exc.reason)
            raise
        metrics.count_log_entry(outcome)

    async def _publish(
        self, subject: str, body: bytes, headers: Mapping[str, str], within: float
    ) -> str:
        """Publish until it is acknowledged, also on other connections; return the outcome."""
        now = asyncio.get_running_loop().time
        until = now() + within
        reason: Reason = "unreachable"
        while (left := until - now()) > 0:
            current = self._current or await self._connection(left)
            _check_size(current.client, body, headers)
            try:
                async with asyncio.timeout(min(until - now(), _TRY_S)):
                    ack = await current.stream.publish(
                        subject, body, timeout=within, stream=self._stream, headers={**headers}
                    )
            except (NatsError, OSError, TimeoutError) as exc:
                reason = _reason(exc)
                if _is_final(exc):
                    raise NotAppended(reason) from exc
                await asyncio.sleep(min(_PAUSE_S, max(0, until - now())))
            else:
                return "repeated" if ack.duplicate else "stored"
        raise NotAppended(reason)

    async def _connection(self, within: float) -> "_Connection":
        """Return the connection as soon as there is one.

        Raises:
            NotAppended: It is not within so many seconds, or has not been for long.
        """
        away = self._away_since
        if away is None or asyncio.get_running_loop().time() - away < _AWAY_S:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._connected.wait(), within)
        if self._current is None:
            raise NotAppended("unreachable")
        return self._current

    async def _look(self, within: float) -> LogState:
        try:
            current = self._current or await self._connection(within)
            async with asyncio.timeout(_LOOK_S):
                info = await current.stream.stream_info(self._stream)
        except NotAppended as exc:
            return LogState(reason=exc.reason, why=self._connector.why)
        except (NatsError, OSError, TimeoutError) as exc:
            return LogState(reason=_reason(exc), why=self._connector.why)
        others = (info.cluster.replicas or []) if info.cluster else []
        return LogState(
            replicas=info.config.num_replicas or 1,
            current=1 + sum(bool(peer.current and not peer.offline) for peer in others),
            unread=info.state.messages,
            largest=current.client.max_payload,
        )

    async def _stay_connected(self) -> None:
        """Keep one connection at a time, with a new client for each, until this is cancelled."""
        while True:
            try:
                async with self._connector.connected() as (client, lost):
                    await self._use(client)
                    await lost()
            except (NatsError, OSError, TimeoutError):
                pass  # the connector knows why
            except Exception:
                # Else no delivery would be taken any more until somebody restarts the server.
                log.exception("delivery_log.fault")
            finally:
                self._current = None
                self._connected.clear()
            away_s = self._note_away()
            await asyncio.sleep(pause_after(away_s))

    async def _use(self, client: Client) -> None:
        # The first request subscribes to the answers of all, before others can overtake it.
        with suppress(NatsError, TimeoutError):
            await client.request("$JS.API.INFO", timeout=_LOOK_S)
        self._current = _Connection(client, client.jetstream())
        self._away_since = None
        self._connected.set()
        url = client.connected_url
        log.info("delivery_log.connected", server=url.netloc if url else "")

    def _note_away(self) -> float:
        """Return for how many seconds there has been no connection."""
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = now
            log.error("delivery_log.away", why=self._connector.why)
        return now - self._away_since


def pause_after(away_s: float) -> float:
    """Return the seconds until the next try to connect, after *away_s* without a connection.

    At random: all processes lose their connections at once, and must not all come back at once.
    """
    longest = min(max(_PAUSE_S, away_s / 4), _LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret


def _token(page_id: str | None) -> str:
    return page_id if page_id and page_id.isascii() and page_id.isdigit() else OTHER


def _check_size(client: Client, body: bytes, headers: Mapping[str, str]) -> None:
    """Raise unless the server takes so large a message: it would end the connection of all."""
    head = sum(len(name) + len(value.encode()) + 4 for name, value in headers.items())
    if len(body) + head + _FRAME_BYTES > client.max_payload:
        raise NotAppended("too large")


def _reason(exc: Exception) -> Reason:
    """Return why a request failed."""
    if isinstance(exc, NoStreamResponseError | NotFoundError):
        return "no stream"
    if isinstance(exc, APIError):
        known: dict[Any, Reason] = {_OTHER_STREAM: "no stream", _TOO_LARGE: "too large"}
        return known.get(exc.err_code, "refused")
    if isinstance(exc, MaxPayloadError):
        return "too large"
    return "no answer" if isinstance(exc, TimeoutError) else "unreachable"


def _is_final(exc: Exception) -> bool:
    """Return whether what failed by *exc* would fail again."""
    is_answer = isinstance(exc, APIError | MaxPayloadError)
    return is_answer and not isinstance(exc, ServiceUnavailableError)

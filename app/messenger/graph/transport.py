"""Transport to Graph: version, token, proof, deadline and retries of each call.

No other module opens a connection to Graph.
"""

import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import SystemRandom
from time import monotonic, sleep
from typing import Any, Final, Literal, cast

import requests
import urllib3

from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import (
    AnswerTooLong,
    Deadline,
    new_session,
    read_capped,
    timeout_within,
)
from app.infra.network.meta_addresses import GRAPH_URL, GRAPH_VERSION
from app.messenger.errors import GraphError, GraphThrottled, GraphUnavailable, GraphUnreachable
from app.messenger.graph.answers import decipher
from app.messenger.graph.usage import Usage, read_usage

TOTAL_S: Final = 10.0
MAX_ANSWER: Final = 1024 * 1024

# The longest pauses before the second and the third try. A try with less time left is not begun.
_PAUSES_S: Final = (0.2, 0.6)
_WORTH_A_TRY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to Graph; *name* identifies it in logs and metrics.

    *may_repeat*: it is idempotent, so it is tried again when no answer came.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    version: str | None = None
    may_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """The outcome of one try, for metrics and logs: "ok" or the name of the error."""

    call: str
    outcome: str
    took_s: float
    usage: Usage
    code: int | None = None
    subcode: int | None = None
    trace_id: str | None = None
    # From the answer's headers: the version that answered, and the time by Meta's clock.
    version: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, kw_only=True)
class GraphTransport:
    """Sends calls to Graph with one token. Thread-safe."""

    token: str = field(repr=False)
    app_secret: str | None = field(default=None, repr=False)
    base_url: str = GRAPH_URL
    version: str = GRAPH_VERSION
    egress: Egress = DIRECT
    observe: Callable[[Observation], None] | None = field(default=None, repr=False)
    pause: Callable[[float], None] = field(default=sleep, repr=False)
    _local: threading.local = field(default_factory=threading.local, init=False, repr=False)

    def send(self, call: Call, *, deadline: Deadline | None = None) -> dict[str, Any]:
        """Return Graph's answer to *call* within *deadline*; retries where that is safe.

        Raises:
            GraphUnavailable: There was no usable answer, or one that asks us to wait.
            GraphRefused: Graph understood the call and refused it.
        """
        deadline = deadline or Deadline(TOTAL_S)
        for longest_s in _PAUSES_S if call.may_repeat else ():
            try:
                return self._try(call, deadline)
            except GraphThrottled:
                raise
            except GraphUnavailable:
                # Jitter: clients that failed at the same time must not all retry at the same time.
                pause_s = SystemRandom().uniform(longest_s / 2, longest_s)
                if deadline.left_s() < pause_s + _WORTH_A_TRY_S:
                    raise
                self.pause(pause_s)
        return self._try(call, deadline)

    def _try(self, call: Call, deadline: Deadline) -> dict[str, Any]:
        started, usage = monotonic(), Usage()
        failure: GraphError | None = None
        headers: Mapping[str, str] = {}
        try:
            reply = self._exchange(call, deadline)
            headers = reply.headers
            usage = read_usage(headers)
            return decipher(reply.status, reply.content, call.name)
        except GraphError as exc:
            failure, exc.call = exc, call.name
            if isinstance(exc, GraphThrottled):
                exc.wait_s = usage.wait_s
            raise
        finally:
            if self.observe:
                seen = _observation(call, failure, monotonic() - started, usage)
                version, date = headers.get("facebook-api-version"), headers.get("Date")
                self.observe(replace(seen, version=version, date=date))

    def _exchange(self, call: Call, deadline: Deadline) -> _Reply:
        left_s = deadline.left_s()
        if left_s <= 0:
            raise GraphUnavailable("no time left")
        try:
            with self._session().request(
                call.method,
                f"{self.base_url.rstrip('/')}/{call.version or self.version}{call.path}",
                params={**self._proof(), **call.params},
                json=call.body,
                # requests passes a Timeout on to urllib3, as its adapters.py documents.
                timeout=cast("Any", timeout_within(left_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                status, headers = response.status_code, response.headers
                try:
                    return _Reply(status, headers, read_capped(response, MAX_ANSWER))
                except AnswerTooLong as exc:
                    raise GraphUnavailable("an answer without end", status=status) from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            # The text of *exc* holds the URL, and that a token; `from None` for tracebacks.
            if fault := connection_fault(exc):
                raise GraphUnreachable(fault.words, fix=fault.fix) from None
            raise GraphUnavailable(type(exc).__name__) from None

    def _proof(self) -> dict[str, str]:
        # developers.facebook.com/docs/graph-api/guides/secure-requests
        if not self.app_secret:
            return {}
        proof = hmac.digest(self.app_secret.encode(), self.token.encode(), "sha256")
        return {"appsecret_proof": proof.hex()}

    def _session(self) -> requests.Session:
        # One for each thread: a Session is not thread-safe.
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = new_session(self.egress)
            # Encoded as UTF-8, for Graph to refuse: a header that is not Latin-1 would raise an
            # error that quotes the token.
            bearer = f"Bearer {self.token}".encode().decode("latin-1")
            session.headers["Authorization"] = bearer
        return session


def _observation(
    call: Call, failure: GraphError | None, took_s: float, usage: Usage
) -> Observation:
    if failure is None:
        return Observation(call.name, "ok", took_s, usage)
    return Observation(
        call.name,
        type(failure).__name__,
        took_s,
        usage,
        code=failure.code,
        subcode=failure.subcode,
        trace_id=failure.trace_id,
    )

"""HTTP requests to the business's server, each recorded in the journal with its answer."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from app.emulator.clock import Clock
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.webhooks.journal import Exchange, Headers, Journal, Kind

_OK = 200
# The inspector shows no more of an answer than this.
_ANSWER_BYTES = 64 * 1024


class _TooSlow(Exception):
    """The complete answer did not arrive within the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """A request to the business's server, with the faults that changed it."""

    kind: Kind
    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer; without one, status is 0 and `failure` says why."""

    status: int
    headers: Headers
    body: str
    failure: Failure | None


AnswerCheck = Callable[[Answer], Failure | None]


def check_status(answer: Answer) -> Failure | None:
    """Accept status 200 and no other, as Messenger does."""
    if answer.failure is not None or answer.status == _OK:
        return answer.failure
    return failures.not_200(answer.status)


def check_echo(challenge: str) -> AnswerCheck:
    """Return the check that accepts status 200 with exactly *challenge* as body."""

    def check(answer: Answer) -> Failure | None:
        is_same = hmac.compare_digest(answer.body.encode(), challenge.encode())
        return check_status(answer) or (None if is_same else failures.CHALLENGE_NOT_ECHOED)

    return check


class HttpSender:
    """Sends requests, and records each in the journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def send(
        self, request: OutgoingRequest, *, seconds: float, check: AnswerCheck
    ) -> Failure | None:
        """Send *request*, wait at most *seconds*, and return the result of *check*."""
        at, started = self._clock(), time.perf_counter()
        answer = _answer_to(request, seconds)
        failure = check(answer)
        self._journal.add(
            Exchange(
                kind=request.kind,
                title=request.title,
                at=at,
                method=request.method,
                url=request.url,
                headers=tuple(request.headers.items()),
                body=request.body.decode(),
                status=answer.status or None,
                answer_headers=answer.headers,
                answer=answer.body,
                milliseconds=(time.perf_counter() - started) * 1000,
                failure=failure,
                faults=request.faults,
            )
        )
        return failure

    def record_unsent(self, request: OutgoingRequest, failure: Failure) -> None:
        """Record a request that was not sent, and why."""
        self._record(request, f"{request.title} (not sent)", failure)

    def record_delayed(self, request: OutgoingRequest, *, until: str) -> None:
        """Record a request that will be sent later; nothing has failed."""
        self._record(request, f"{request.title} (held back until {until})", None)

    def _record(self, request: OutgoingRequest, title: str, failure: Failure | None) -> None:
        self._journal.add(
            Exchange(
                kind=request.kind,
                title=title,
                at=self._clock(),
                method=request.method,
                url="",
                failure=failure,
                faults=request.faults,
            )
        )


def _answer_to(request: OutgoingRequest, seconds: float) -> Answer:
    started = time.monotonic()
    try:
        return _exchange(request, seconds, started + seconds)
    except (requests.RequestException, _TooSlow) as exc:
        # requests reports a body that stops arriving as a ConnectionError: the time decides.
        late = isinstance(exc, requests.Timeout) or time.monotonic() - started >= seconds
        return Answer(0, (), "", failures.timed_out(seconds) if late else failures.UNREACHABLE)


def _exchange(request: OutgoingRequest, seconds: float, deadline: float) -> Answer:
    with requests.Session() as session:
        # No proxy and no .netrc of the environment, and only the headers that Messenger sends.
        session.trust_env = False
        session.headers.clear()
        with session.request(
            request.method,
            request.url,
            data=request.body or None,
            headers=request.headers,
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = b""
            for chunk in response.iter_content(4096):
                content += chunk
                if time.monotonic() > deadline:
                    raise _TooSlow
                if len(content) >= _ANSWER_BYTES:
                    break
            text = content.decode(errors="replace")
            return Answer(response.status_code, tuple(response.headers.items()), text, None)

"""One request to the business: sent, answered or not, and put into the journal."""

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
# Of an answer nobody needs more than the inspector can show.
_ANSWER_BYTES = 64 * 1024


class _TooSlow(Exception):
    """The whole answer did not come within the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is asked of the business, and which faults had a hand in it."""

    kind: Kind
    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; when nothing did, status is 0 and `failure` says why."""

    status: int
    headers: Headers
    body: str
    failure: Failure | None


Judge = Callable[[Answer], Failure | None]


def accepted(answer: Answer) -> Failure | None:
    """Judge by the status alone: Messenger wants 200."""
    if answer.failure is not None or answer.status == _OK:
        return answer.failure
    return failures.not_200(answer.status)


def echoes(challenge: str) -> Judge:
    """Return a judge who wants to read *challenge* and nothing else."""

    def judge(answer: Answer) -> Failure | None:
        is_same = hmac.compare_digest(answer.body.encode(), challenge.encode())
        return accepted(answer) or (None if is_same else failures.CHALLENGE_NOT_ECHOED)

    return judge


class HttpSender:
    """Sends posts and writes down how each went."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def send(self, post: Post, *, seconds: float, judge: Judge) -> Failure | None:
        """Send *post*, wait for at most *seconds*, and return what *judge* says of the answer."""
        at, started = self._clock(), time.perf_counter()
        answer = _ask(post, seconds)
        failure = judge(answer)
        self._journal.add(
            Exchange(
                kind=post.kind,
                title=post.title,
                at=at,
                method=post.method,
                url=post.url,
                headers=tuple(post.headers.items()),
                body=post.body.decode(),
                status=answer.status or None,
                answer_headers=answer.headers,
                answer=answer.body,
                milliseconds=(time.perf_counter() - started) * 1000,
                failure=failure,
                faults=post.faults,
            )
        )
        return failure

    def record_unsent(self, post: Post, failure: Failure) -> None:
        """Write down why *post* did not even leave."""
        self._note(post, f"{post.title} (not sent)", failure)

    def record_delayed(self, post: Post, *, until: str) -> None:
        """Write down that *post* leaves later; nothing has failed."""
        self._note(post, f"{post.title} (held back until {until})", None)

    def _note(self, post: Post, title: str, failure: Failure | None) -> None:
        self._journal.add(
            Exchange(
                kind=post.kind,
                title=title,
                at=self._clock(),
                method=post.method,
                url="",
                failure=failure,
                faults=post.faults,
            )
        )


def _ask(post: Post, seconds: float) -> Answer:
    started = time.monotonic()
    try:
        return _exchange(post, seconds, started + seconds)
    except (requests.RequestException, _TooSlow) as exc:
        # A body that stops coming is a ConnectionError to requests; the limit tells.
        late = isinstance(exc, requests.Timeout) or time.monotonic() - started >= seconds
        return Answer(0, (), "", failures.timed_out(seconds) if late else failures.UNREACHABLE)


def _exchange(post: Post, seconds: float, deadline: float) -> Answer:
    with requests.Session() as session:
        # No proxy and no .netrc of the environment, and only the headers that Messenger sends.
        session.trust_env = False
        session.headers.clear()
        with session.request(
            post.method,
            post.url,
            data=post.body or None,
            headers=post.headers,
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

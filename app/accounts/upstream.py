"""How an authenticator asks somebody else's server while a person waits."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import requests
import urllib3

from app.accounts.authenticators import AuthenticatorUnavailable
from app.infra.network.http_client import (
    AnswerTooLong,
    Deadline,
    new_session,
    read_capped,
    timeout_within,
)

MOST_BYTES: Final = 256 * 1024
# Half the places of the gate (admission.py): one server that hangs leaves the other half to
# whoever signs in another way.
MOST_WAITING: Final = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    content: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Return the object that the answer is.

        Raises:
            AuthenticatorUnavailable: It is none.
        """
        try:
            answer = json.loads(self.content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            # `from None`, as everywhere here: the text of an error quotes what was read.
            raise AuthenticatorUnavailable(f"status {self.status} without a JSON object") from None
        return answer


class Queue:
    """Those who wait for the servers of one authenticator: so few that others get a turn."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Wait for these servers until the block ends.

        Raises:
            AuthenticatorUnavailable: As many as may do. Nothing has been waited for.
        """
        if not self._places.acquire(blocking=False):
            raise AuthenticatorUnavailable("as many as may wait for it already")
        try:
            yield
        finally:
            self._places.release()


class Upstream:
    """The way to the servers of one authenticator: no redirects, a cap, an end to waiting."""

    def __init__(self) -> None:
        self._local = threading.local()

    def get(
        self, url: str, *, deadline: Deadline, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the answer at *url*.

        Raises:
            AuthenticatorUnavailable: There was none in time, or one without end.
        """
        return self._ask("GET", url, None, headers or {}, deadline)

    def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], deadline: Deadline
    ) -> Reply:
        """Post *body* and return the answer.

        Raises:
            AuthenticatorUnavailable: There was none in time, or one without end.
        """
        return self._ask("POST", url, body, headers, deadline)

    def _ask(
        self,
        method: Literal["GET", "POST"],
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: Deadline,
    ) -> Reply:
        left_s = deadline.left_s()
        if left_s <= 0:
            raise AuthenticatorUnavailable("no time left")
        try:
            with self._session().request(
                method,
                url,
                data=body,
                headers=dict(headers),
                # requests passes a Timeout on to urllib3, and says so where it does (adapters.py).
                timeout=cast("Any", timeout_within(left_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Reply(response.status_code, read_capped(response, MOST_BYTES))
        except (requests.RequestException, urllib3.exceptions.HTTPError, AnswerTooLong) as exc:
            # The text of *exc* holds the address, and that may hold a secret. `from None`, too.
            raise AuthenticatorUnavailable(type(exc).__name__) from None

    def _session(self) -> requests.Session:
        # A Session belongs to one thread.
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = new_session()
        return session

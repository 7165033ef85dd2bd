"""HTTP calls to other people's servers while a person waits: bounded in time, size and number."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, cast

import requests
import urllib3

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    Diagnosis,
)
from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import (
    AnswerTooLong,
    Deadline,
    new_session,
    read_capped,
    timeout_within,
)

MOST_BYTES: Final = 256 * 1024
# Half the slots of infra/admission.py: one server that hangs leaves the other half to people who
# sign in by another method.
MOST_CONCURRENT: Final = 4


class NoAnswer(AuthenticatorUnavailable):
    """There was no answer, or one that is too long; *reason* names the exception.

    With a *fix*, the outgoing proxy is the cause.
    """


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's response; *part* names what was asked for, for reasons in the log."""

    status: int
    content: bytes = field(repr=False)
    part: str = ""

    @property
    def passes(self) -> bool:
        """True where the answer may be another one in a minute: it is the server's own trouble."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status in {
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.TOO_EARLY,
            HTTPStatus.TOO_MANY_REQUESTS,
        }

    def reason(self, words: str = "") -> str:
        """Return the status, and *words* about it."""
        return _about(self.part, f"status {self.status}{words}")

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body.

        Raises:
            AuthenticatorUnavailable: The body is no JSON object.
        """
        try:
            answer = json.loads(self.content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            # `from None`, as everywhere here: the text of an error quotes what was read.
            raise AuthenticatorUnavailable(
                self.reason(" without a JSON object"), code=self.status
            ) from None
        return answer


def unreachable(exc: NoAnswer | AuthenticatorMisconfigured, setting: str) -> Diagnosis:
    """Return the cause and the fix of *exc*, for `threadlink doctor`; *setting* has the address."""
    if isinstance(exc, NoAnswer) and exc.fix:
        return Diagnosis(f"cannot be asked: {exc.reason}", exc.fix)
    if isinstance(exc, AuthenticatorMisconfigured):
        ca_file = setting.rpartition("_")[0] + "_CA_FILE"
        return Diagnosis(
            f"cannot be trusted ({exc.reason})",
            f"its certificate; the host in {setting}; {ca_file}, if its authority is your own",
        )
    match exc.reason:
        case "ConnectTimeout" | "ReadTimeout" | "ReadTimeoutError":
            return Diagnosis("does not answer in time", f"a firewall on the way; {setting}")
        case "AnswerTooLong":
            return Diagnosis("answers without end", f"{setting}: it leads to something else")
        case _:
            return Diagnosis(
                f"cannot be reached ({exc.reason}): nothing listens there, or DNS does not know it",
                f"{setting}; from this machine: curl -I of that address",
            )


class ConcurrencyLimit:
    """A bound on how many sign-ins wait for the servers of one authenticator at the same time."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(MOST_CONCURRENT)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupy a slot until the block ends.

        Raises:
            AuthenticatorUnavailable: All slots are occupied. It is raised at once, without a wait.
        """
        if not self._slots.acquire(blocking=False):
            raise AuthenticatorUnavailable("too many are waiting for it already")
        try:
            yield
        finally:
            self._slots.release()


class UpstreamClient:
    """An HTTP client for the servers of one authenticator. It follows no redirects.

    *ca_file* has the certificates to trust in place of all others.
    """

    def __init__(self, egress: Egress = DIRECT, *, ca_file: str | None = None) -> None:
        self._egress, self._ca_file = egress, ca_file
        self._local = threading.local()

    def get(
        self,
        url: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        part: str = "",
    ) -> Reply:
        """Return the response to a GET of *url*, which is for *part*.

        Raises:
            AuthenticatorMisconfigured: The server's certificate is not acceptable.
            AuthenticatorUnavailable: There was none within *deadline*, or it was too long.
        """
        return self._request("GET", url, None, headers or {}, deadline, part)

    def head(self, url: str, *, deadline: Deadline) -> Reply:
        """Return the response to a HEAD of *url*.

        Raises:
            AuthenticatorMisconfigured: The server's certificate is not acceptable.
            AuthenticatorUnavailable: There was none within *deadline*.
        """
        return self._request("HEAD", url, None, {}, deadline, "")

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        deadline: Deadline,
        part: str = "",
    ) -> Reply:
        """Return the response to a POST of *body*, which is for *part*.

        Raises:
            AuthenticatorMisconfigured: The server's certificate is not acceptable.
            AuthenticatorUnavailable: There was none within *deadline*, or it was too long.
        """
        return self._request("POST", url, body, headers, deadline, part)

    def _request(  # noqa: PLR0913, PLR0917 - the parts of one request
        self,
        method: Literal["GET", "HEAD", "POST"],
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: Deadline,
        part: str,
    ) -> Reply:
        left_s = deadline.left_s()
        if left_s <= 0:
            raise AuthenticatorUnavailable(_about(part, "no time left"))
        try:
            with self._session().request(
                method,
                url,
                data=body,
                headers=dict(headers),
                # requests passes a Timeout on to urllib3, as its adapters.py documents.
                timeout=cast("Any", timeout_within(left_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Reply(response.status_code, read_capped(response, MOST_BYTES), part)
        # OSError: the file of certificates is gone.
        except (OSError, urllib3.exceptions.HTTPError, AnswerTooLong) as exc:
            # The text of *exc* has the address, which may hold a secret. `from None`, too.
            raise outage(exc, part) from None

    def _session(self) -> requests.Session:
        # A Session must not be shared between threads.
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = new_session(self._egress, ca_file=self._ca_file)
        return session


def outage(exc: Exception, part: str = "") -> NoAnswer | AuthenticatorMisconfigured:
    """Return the failure that *exc* is, which kept a server from answering about *part*."""
    fault = connection_fault(exc)
    if fault is None:
        return NoAnswer(_about(part, type(exc).__name__))
    if fault.is_of_proxy:
        return NoAnswer(_about(part, fault.words), fix=fault.fix)
    return AuthenticatorMisconfigured(
        _about(part, fault.words),
        fix="the server needs another certificate, or its CA belongs into the _CA_FILE",
    )


def _about(part: str, reason: str) -> str:
    return f"{part}: {reason}" if part else reason

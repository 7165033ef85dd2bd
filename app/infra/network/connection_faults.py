"""The causes on our own side of a target for which there was no connection, with their fixes.

They are told apart here alone, for every client: a proxy that refuses us, or a certificate that
nobody vouches for, is no fault of the server that was to be asked.
"""

import re
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from urllib3.exceptions import (
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from app.infra.network.causes import find
from app.infra.network.certificate_faults import certificate_fault

PROXY: Final = "the outgoing proxy"
_URL: Final = "HTTPS_PROXY_URL"
# http.client says so, since Python 2.7, with the proxy's own phrase behind it.
_STATUS: Final = re.compile(r"Tunnel connection failed: (\d{3})")


@dataclass(frozen=True, slots=True)
class ConnectionFault:
    """A cause in our own words, without an address, and the setting or the step that helps."""

    words: str
    fix: str
    # False: the target's certificate was not accepted.
    is_of_proxy: bool


def connection_fault(exc: BaseException) -> ConnectionFault | None:
    """Return what keeps us from a target; None if *exc* may be the target's own failure."""
    if (by_proxy := find(exc, ProxyError)) is not None:
        words, fix = _of_proxy(by_proxy)
        return ConnectionFault(f"{PROXY} {words}", fix, is_of_proxy=True)
    if (certificate := certificate_fault(exc)) is not None:
        return ConnectionFault(certificate, _CERTIFICATE, is_of_proxy=False)
    return None


_CERTIFICATE: Final = (
    "the server needs another certificate; if its CA is your own, or a proxy on the way looks "
    "into TLS, its certificate belongs into the file of CA_FILE"
)
# The first that is found counts: urllib3 derives some of these from each other.
_OF_PROXY: Final[tuple[tuple[tuple[type[Exception], ...], str, str], ...]] = (
    ((SSLError, ssl.SSLError), "speaks no TLS", f"{_URL}: http:// if the proxy is without TLS"),
    ((NameResolutionError,), "has a name that DNS does not know", _URL),
    (
        (NewConnectionError,),
        "cannot be reached: nothing listens there",
        f"{_URL}; does the proxy run?",
    ),
    (
        (Urllib3Timeout, TimeoutError),
        "does not answer in time",
        f"{_URL}: host, port, http:// or https://; a firewall on the way; the proxy's log",
    ),
)


def _of_proxy(exc: ProxyError) -> tuple[str, str]:
    if (certificate := certificate_fault(exc)) is not None:
        return f"cannot be trusted ({certificate})", f"CA_FILE; the host in {_URL}"
    for kinds, words, fix in _OF_PROXY:
        if find(exc, *kinds):
            return words, fix
    said = find(exc, OSError)
    if said is not None and (found := _STATUS.match(str(said))):
        return _of_status(int(found[1]))
    return "answers in no HTTP", f"{_URL}: host and port, and https:// if the proxy wants TLS"


# tinyproxy 1.11 answers a wrong password with 401.
_LOGIN: Final = {HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED}


def _of_status(status: int) -> tuple[str, str]:
    if status in _LOGIN:
        return f"wants another user or password ({status})", f"user and password in {_URL} (Basic)"
    inside = "a host inside of your network: HTTPS_PROXY_EXCEPT"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"does not reach the host ({status})", f"the proxy's log; {inside}"
    fix = f"the proxy's rules must allow CONNECT to the host; {inside}"
    return f"lets nobody through to the host ({status})", fix

"""Warnings about proxies that do not tell what TRUSTED_PROXIES promises, with cause and fix (R87).

Their texts are ours alone, and each is logged once a minute: a stranger can cause some as well.
"""

from typing import Final

import structlog

from app.infra.observability import metrics
from app.infra.settings.settings import FORWARDED, X_FORWARDED, Settings
from app.web.door_warnings import is_messengers
from app.web.forwarding import Headers, scheme_told, schemes_told

log = structlog.get_logger()

_COUNT: Final = "lower TRUSTED_PROXIES, or have each proxy append its value"
# By FORWARDED_HEADER: the headers that tell the scheme and the address, and how to send them.
_SCHEME: Final = {X_FORWARDED: "X-Forwarded-Proto", FORWARDED: "Forwarded"}
_ADDRESS: Final = {X_FORWARDED: "X-Forwarded-For", FORWARDED: "Forwarded"}
_SEND_SCHEME: Final = {
    X_FORWARDED: "have the proxy send X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto "
    "$scheme;)",
    FORWARDED: 'have the proxy send Forwarded with "proto" (RFC 7239)',
}
_SEND_ADDRESS: Final = {
    X_FORWARDED: "have the proxy send the client's IP address (nginx: proxy_set_header "
    "X-Forwarded-For $remote_addr;)",
    FORWARDED: 'have the proxy send the client\'s IP address in Forwarded, as "for" (RFC 7239)',
}
# By what else proxies tell that the client used https. It is not believed: it only prevents a
# redirect that would come back.
_HINTS: Final = {
    "CF-Visitor": "https",
    "CloudFront-Forwarded-Proto": "https",
    "Forwarded": "proto=https",
    "Front-End-Https": "on",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "https",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Ssl": "on",
    "X-Url-Scheme": "https",
    # Cookies of this name are kept to https by every browser (RFC 6265bis, 4.1.3.2).
    "Cookie": "__host-",
}


def why_not_https(headers: Headers, settings: Settings) -> str | None:
    """Return why a request counts as plain http, and warn; None if it may have come by it."""
    reason, fix = _cause(headers, settings)
    if reason is None:
        return None
    metrics.count_door_refusal("not https")
    log.warning("request.not_https", reason=reason, fix=fix)
    return reason


def warn_of_address(fault: str, settings: Settings) -> None:
    """Warn that the proxies do not tell the client's address; *fault* is of `forwarding`."""
    read = settings.forwarded_header
    fix = _COUNT if "TRUSTED_PROXIES" in fault else _SEND_ADDRESS[read]
    log.warning("request.address_unknown", reason=f"{_ADDRESS[read]} {fault}", fix=fix)


def _cause(headers: Headers, settings: Settings) -> tuple[str | None, str]:
    hops, read = settings.trusted_proxies, settings.forwarded_header
    if not hops:
        return "TRUSTED_PROXIES is 0", "set TRUSTED_PROXIES to the number of proxies in front"
    name, send = _SCHEME[read], _SEND_SCHEME[read]
    schemes = schemes_told(headers, settings, hops)
    if not schemes:
        return _cause_of_none(headers, read)
    if len(schemes) < hops:
        return f"{name} has fewer values than TRUSTED_PROXIES", _COUNT
    if scheme_told(headers, settings) is None:
        return f"{name} has a value that is neither http nor https", send
    return _cause_of_http(headers, settings)


def _cause_of_http(headers: Headers, settings: Settings) -> tuple[str | None, str]:
    read = settings.forwarded_header
    name = _SCHEME[read]
    if "https" in schemes_told(headers, settings)[: -settings.trusted_proxies]:
        return (
            f"{name} has more values than TRUSTED_PROXIES, and https is one of the others",
            "raise TRUSTED_PROXIES, if so many proxies are yours",
        )
    if _is_surely_https(headers, read):
        return (
            f"{name} says http of what came by https",
            f"have the proxies behind the first one pass {name} on, not set it anew",
        )
    return None, ""


def _cause_of_none(headers: Headers, read: str) -> tuple[str, str]:
    (other,) = _SCHEME.keys() - {read}
    name, send = _SCHEME[read], _SEND_SCHEME[read]
    if headers.get(_SCHEME[other]) is None:
        return f"{name} is missing", send
    return (
        f"the proxy sends {_SCHEME[other]}, and no {name}",
        f"{send}; or set FORWARDED_HEADER={other}, if every proxy writes that",
    )


def _is_surely_https(headers: Headers, read: str) -> bool:
    """Return whether the client used https whatever the proxies say.

    Browsers send Sec-Fetch-Site to trustworthy addresses alone (W3C, "Fetch Metadata Request
    Headers", 4.1, read 2026-11), and Meta calls no webhook by http.
    """
    if headers.get("Sec-Fetch-Site") is not None or is_messengers(b"", headers):
        return True
    others = [(name, sign) for name, sign in _HINTS.items() if name != _SCHEME[read]]
    return any(sign in (headers.get(name) or "").lower() for name, sign in others)

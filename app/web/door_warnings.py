"""Warnings about what is turned away for how it is addressed or passed on, with cause and fix.

After an hour of refusals Meta ends a subscription, so an operator has to see in the log what is
wrong. A stranger can cause these as well: each kind is logged once a minute, with texts of ours
alone, since a path and a query can hold tokens.
"""

from typing import Final, Protocol

import structlog

from app.infra.observability import metrics
from app.messenger.signature import SIGNATURE
from app.web.paths import WEBHOOK

log = structlog.get_logger()

# The user agent of Meta's deliveries and handshakes.
_META: Final = "facebookexternalua"
# What else an operator may have registered; any other path is not repeated.
_KNOWN: Final = frozenset(
    {"/", "/api/webhook", "/callback", "/facebook", "/messenger", "/messenger/webhook", "/webhooks"}
)
_PASS_ON: Final = (
    "have the proxy send X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme;)"
)


class _Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


def warn_if_misdirected(path: str, query: bytes, headers: _Headers) -> None:
    """Warn if Messenger asks for another path than the webhook's."""
    if path == WEBHOOK or not _is_messengers(query, headers):
        return
    if path.rstrip("/") == WEBHOOK:
        where = f"{WEBHOOK}/"
    elif path in _KNOWN:
        where = path
    elif path.rstrip("/").endswith(WEBHOOK):
        where = f"a prefix and {WEBHOOK}"
    else:
        where = "another path"
    metrics.count_door_refusal("wrong path")
    log.warning(
        "webhook.wrong_path",
        reason=where,
        fix=f"register PUBLIC_URL{WEBHOOK} at Meta (threadlink setup), and have the proxy pass the "
        "path on as it comes",
    )


def why_not_https(headers: _Headers, hops: int) -> str | None:
    """Return why a request counts as plain http, and warn; None if it may have come by it.

    *hops* proxies are trusted.
    """
    reason, fix = _cause(headers, hops)
    if reason is None:
        return None
    metrics.count_door_refusal("not https")
    log.warning("request.not_https", reason=reason, fix=fix)
    return reason


def _cause(headers: _Headers, hops: int) -> tuple[str | None, str]:
    if not hops:
        return "TRUSTED_PROXIES is 0", "set TRUSTED_PROXIES to the number of proxies in front"
    said = headers.get("X-Forwarded-Proto")
    if said is None and headers.get("Forwarded") is not None:
        return "the proxy sends Forwarded, and no X-Forwarded-Proto", _PASS_ON
    if said is None:
        return "X-Forwarded-Proto is missing", _PASS_ON
    if said.count(",") + 1 < hops:
        return (
            "X-Forwarded-Proto has fewer values than TRUSTED_PROXIES",
            "lower TRUSTED_PROXIES, or have each proxy append its value",
        )
    if _is_surely_https(headers):
        return (
            "X-Forwarded-Proto says http of what came by https",
            "have the proxies behind the first one pass X-Forwarded-Proto on, not set it anew",
        )
    return None, ""


def _is_surely_https(headers: _Headers) -> bool:
    """Return whether the client used https whatever the proxies say.

    Browsers send Sec-Fetch-Site to trustworthy addresses alone (W3C, "Fetch Metadata Request
    Headers", 4.1, read 2026-11), and Meta calls no webhook by http.
    """
    return headers.get("Sec-Fetch-Site") is not None or _is_messengers(b"", headers)


def _is_messengers(query: bytes, headers: _Headers) -> bool:
    return (
        b"hub.mode=" in query
        or headers.get(SIGNATURE) is not None
        or _META in (headers.get("User-Agent") or "")
    )


def warn_of_header(name: str, reason: str) -> None:
    """Warn of a refused header, by its name; its value may be a secret."""
    log.warning(
        "door.header_refused",
        header=name[:64],
        reason=reason,
        fix="have the proxy drop or correct this header: docs/deploying.md, section 4",
    )

"""Warnings about what is turned away for how it is addressed or passed on, with cause and fix.

After an hour of refusals Meta ends a subscription, so an operator has to see in the log what is
wrong. A stranger can cause these as well: each kind is logged once a minute, with texts of ours
alone, since a path and a query can hold tokens.
"""

from typing import Final

import structlog

from app.infra.observability import metrics
from app.messenger.signature import SIGNATURE
from app.web.forwarding import Headers
from app.web.paths import WEBHOOK

log = structlog.get_logger()

# The user agent of Meta's deliveries and handshakes.
_META: Final = "facebookexternalua"
# What else an operator may have registered; any other path is not repeated.
_KNOWN: Final = frozenset(
    {"/", "/api/webhook", "/callback", "/facebook", "/messenger", "/messenger/webhook", "/webhooks"}
)


def warn_if_misdirected(path: str, query: bytes, headers: Headers) -> None:
    """Warn if Messenger asks for another path than the webhook's."""
    if path == WEBHOOK or not is_messengers(query, headers):
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


def is_messengers(query: bytes, headers: Headers) -> bool:
    """Return whether a request is, or calls itself, a delivery or a handshake of Messenger's."""
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

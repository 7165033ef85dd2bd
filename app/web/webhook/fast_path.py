"""The webhook's fast path: on the event loop, without a thread and without Flask.

However many people sign in, and however slowly Graph answers them, Messenger waits for nothing but
the disk; and to reach Flask costs more than all the rest. Only a request that is plainly one of
Messenger's deliveries is answered here. One that is odd in any respect goes to Flask, where the
webhook's view does the same by the same functions, and every error has its answer.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import structlog

from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.infra.observability import metrics
from app.linking import flow
from app.messenger.errors import BadPayload, BadSignature
from app.services.container import Services
from app.web import headers, request_guard
from app.web.paths import WEBHOOK
from app.web.problems.table import PROBLEMS
from app.web.server.asgi import RETRY_AFTER, Scope
from app.web.server.wsgi import Answer, Body
from app.web.webhook import intake
from app.web.webhook.intake import Wanted

log = structlog.get_logger()

# To parse this much takes some two milliseconds, as does a batch of 1,000 short events; more would
# block the loop.
MOST_BYTES: Final = 256 * 1024

_RAW_PATH: Final = WEBHOOK.encode()
_SCHEMES: Final = frozenset({"http", "https"})
# As Flask answers it.
_BUSY: Final = PROBLEMS[NotCommitted].name
_BUSY_BODY: Final = json.dumps({"error": _BUSY}, separators=(",", ":")).encode() + b"\n"


class FastPath:
    """Answers plain deliveries with the services *built*."""

    def __init__(self, built: Services) -> None:
        self._built, self._settings = built, built.settings
        common = headers.of_data(is_production=self._settings.is_production)
        text = {"Content-Type": "text/plain; charset=utf-8"}
        self._accepted = _answer(HTTPStatus.OK, common | text, b"")
        retry = {"Content-Type": "application/json", "Retry-After": str(RETRY_AFTER)}
        self._busy = _answer(HTTPStatus.SERVICE_UNAVAILABLE, common | retry, _BUSY_BODY)

    async def __call__(self, scope: Scope, body: Body) -> Answer | None:
        """Return the answer to a delivery once it is committed; None where Flask is to answer."""
        if scope["raw_path"] != _RAW_PATH:
            return None
        started = time.perf_counter()
        fields, content = Fields(scope["headers"]), body.whole()
        if not self._is_plain(scope, fields, content):
            return None
        try:
            signer = intake.signer(self._settings, content, fields)
            wanted = intake.wanted(self._settings, content, fields)
        except (BadSignature, BadPayload):
            return None
        request_guard.name_request()
        at, outcome = clock.now(), "taken"
        if wanted:
            try:
                await self._take_in(wanted, at=at)
            except NotCommitted:
                outcome = _BUSY
                log.info("request.refused", path=WEBHOOK, problem=outcome, reason=None)
            except Exception:  # noqa: BLE001 - an error of ours: it occurs again in Flask, and is logged there
                return None
        self._built.delivery_counter.note(signer, at=at)
        metrics.count_delivery(outcome, seconds=time.perf_counter() - started)
        return self._accepted if outcome == "taken" else self._busy

    async def _take_in(self, wanted: Wanted, *, at: datetime) -> None:
        """Commit what is *wanted*, and report the outcomes."""
        built = self._built
        outcomes = await built.writer.write_meanwhile(
            flow.take_in, wanted.events, wanted.passed_on, policy=built.policy, at=at
        )
        intake.report(wanted, outcomes, at=at)

    def _is_plain(self, scope: Scope, fields: "Fields", content: bytes) -> bool:
        """Return whether Flask could have no reason to refuse the request."""
        return (
            scope["method"] == "POST"
            and not scope["query_string"]
            and len(content) <= MOST_BYTES
            and not fields.are_doubled
            and request_guard.is_our_name(fields.get("Host") or "", self._settings)
            and (not self._settings.is_production or self._came_by_https(scope, fields))
            # Only Flask begins traces.
            and self._built.spans is None
        )

    def _came_by_https(self, scope: Scope, fields: "Fields") -> bool:
        """Return whether the client used https, by the connection or our proxies' header (R86)."""
        hops = self._settings.trusted_proxies
        if not hops:
            return bool(scope["scheme"] == "https")
        header = fields.get("X-Forwarded-Proto") or ""
        schemes = [scheme.strip(" ") for scheme in header.split(",")]
        # A list with empty or quoted values is left to Flask's ProxyFix.
        return hops <= len(schemes) and schemes[-hops] == "https" and _SCHEMES.issuperset(schemes)


class Fields:
    """The header fields of a request, looked up without regard to case."""

    __slots__ = ("_fields", "are_doubled")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = dict(fields)
        self.are_doubled = len(self._fields) < len(fields)

    def get(self, name: str, /) -> str | None:
        """Return the value of *name*, None where it is absent."""
        value = self._fields.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")


def _answer(status: HTTPStatus, fields: dict[str, str], body: bytes) -> Answer:
    fields = {**fields, "Content-Length": str(len(body))}
    return Answer(
        status, [(name.lower().encode(), value.encode()) for name, value in fields.items()], body
    )

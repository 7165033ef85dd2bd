"""Messenger's own way in: on the event loop, without a thread and without Flask.

However many people sign in, and however slowly Graph answers them, Messenger waits for nothing but
the disk; and to reach Flask costs more than all the rest. Only what is plainly one of Messenger's
deliveries goes this way. What is odd in any respect takes the ordinary one, where the webhook's
view does the same by the same functions, and every error has its answer.
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
from app.messenger.errors import BadPayload, BadSignature
from app.services.container import Services
from app.web import headers, request_guard
from app.web.problems import PROBLEMS
from app.web.server.asgi import RETRY_AFTER, Scope
from app.web.server.wsgi import Answer, Body
from app.web.webhook import intake
from app.web.webhook.intake import Wanted

log = structlog.get_logger()

# To read this much takes some two milliseconds, as a batch of 1,000 short events does; more would
# hold up the loop.
MOST_BYTES: Final = 256 * 1024

_SCHEMES: Final = frozenset({"http", "https"})
# As the ordinary way answers it.
_BUSY: Final = PROBLEMS[NotCommitted].name
_BUSY_BODY: Final = json.dumps({"error": _BUSY}, separators=(",", ":")).encode() + b"\n"


class FastPath:
    """Takes in deliveries for *built*."""

    def __init__(self, built: Services) -> None:
        self._built, self._settings = built, built.settings
        common = headers.of_data(is_production=self._settings.is_production)
        text = {"Content-Type": "text/plain; charset=utf-8"}
        self._taken = _answer(HTTPStatus.OK, common | text, b"")
        told = {"Content-Type": "application/json", "Retry-After": str(RETRY_AFTER)}
        self._busy = _answer(HTTPStatus.SERVICE_UNAVAILABLE, common | told, _BUSY_BODY)

    async def __call__(self, scope: Scope, body: Body) -> Answer | None:
        """Return the answer to a delivery once it is committed; None for the ordinary way."""
        if scope["raw_path"] != b"/webhook":
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
                log.info("request.refused", path="/webhook", problem=outcome, reason=None)
            except Exception:  # noqa: BLE001 - a fault of ours: met again on the ordinary way, it is told there
                return None
        self._built.delivery_counter.note(signer, at=at)
        metrics.count_delivery(outcome, seconds=time.perf_counter() - started)
        return self._taken if outcome == "taken" else self._busy

    async def _take_in(self, wanted: Wanted, *, at: datetime) -> None:
        """Commit what is *wanted*, and tell of it."""
        built = self._built
        outcomes = await built.writer.write_meanwhile(
            intake.take_in, wanted, policy=built.policy, at=at
        )
        intake.tell(wanted, outcomes, at=at)

    def _is_plain(self, scope: Scope, fields: "Fields", content: bytes) -> bool:
        """Tell whether the ordinary way could have nothing to say against the request."""
        return (
            scope["method"] == "POST"
            and not scope["query_string"]
            and len(content) <= MOST_BYTES
            and not fields.are_doubled
            and request_guard.is_our_name(fields.get("Host") or "", self._settings)
            and (not self._settings.is_production or self._came_by_https(scope, fields))
            # Traces begin with Flask's requests.
            and self._built.spans is None
        )

    def _came_by_https(self, scope: Scope, fields: "Fields") -> bool:
        """Tell whether the connection did, or, where proxies of ours end it, they say so (R86)."""
        hops = self._settings.trusted_proxies
        if not hops:
            return bool(scope["scheme"] == "https")
        said = [one.strip(" ") for one in (fields.get("X-Forwarded-Proto") or "").split(",")]
        # Which one is meant among empty or quoted ones is decided in one place, and not here.
        return hops <= len(said) and said[-hops] == "https" and _SCHEMES.issuperset(said)


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


def _answer(status: HTTPStatus, said: dict[str, str], body: bytes) -> Answer:
    said = {**said, "Content-Length": str(len(body))}
    return Answer(
        status, [(name.lower().encode(), value.encode()) for name, value in said.items()], body
    )

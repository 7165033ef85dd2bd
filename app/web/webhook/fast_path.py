"""The webhook's fast path: on the event loop, without a thread and without Flask.

However many people sign in, and however slowly Graph answers them, Messenger waits for nothing but
the disk; and to reach Flask costs more than all the rest. Only a request that is plainly one of
Messenger's deliveries is answered here. One that is odd in any respect goes to Flask, where the
webhook's view does the same by the same functions, and every error has its answer.
"""

import asyncio
import json
import time
from datetime import datetime
from http import HTTPStatus
from typing import Final

import structlog

from app.delivery_log.log import NotAppended
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.infra.observability import metrics
from app.linking import flow
from app.linking.delivery_counts import Signer
from app.linking.values import Outcome
from app.messenger.errors import BadPayload, BadSignature
from app.messenger.signature import SIGNATURE, is_well_formed
from app.outbox.bot_webhooks import item_of
from app.services.container import Services
from app.web import headers, request_guard
from app.web.fields import Fields
from app.web.paths import WEBHOOK
from app.web.problems.table import PROBLEMS
from app.web.server.head import Scope, values_of
from app.web.server.limits import RETRY_AFTER
from app.web.server.wsgi import Answer, answer_of
from app.web.webhook import intake
from app.web.webhook.intake import Wanted

log = structlog.get_logger()

# To parse this much takes some two milliseconds, as does a batch of 1,000 short events; more would
# block the loop.
MOST_BYTES: Final = 256 * 1024

_RAW_PATH: Final = WEBHOOK.encode()
_SIGNATURE: Final = SIGNATURE.lower().encode()
# As Flask answers them.
_BUSY: Final = PROBLEMS[NotCommitted].name
_LOG_AWAY: Final = PROBLEMS[NotAppended].name
_UNSIGNED: Final = PROBLEMS[BadSignature].name


def is_signed_delivery(scope: Scope) -> bool:
    """Return whether *scope* is the head of a delivery, and has one signature of some kind."""
    if scope["method"] != "POST" or scope["raw_path"] != _RAW_PATH:
        return False
    signatures = values_of(scope["headers"], _SIGNATURE)
    return len(signatures) == 1 and is_well_formed(signatures[0].decode("latin-1"))


class FastPath:
    """Answers plain deliveries with the services *built*."""

    def __init__(self, built: Services) -> None:
        self._built, self._settings = built, built.settings
        common = headers.of_data(is_production=self._settings.is_production)
        text = {"Content-Type": "text/plain; charset=utf-8"}
        data = {"Content-Type": "application/json"}
        retry = {"Retry-After": str(RETRY_AFTER)}
        self._answers = {
            "taken": answer_of(HTTPStatus.OK, common | text, b""),
            **{
                name: answer_of(HTTPStatus.SERVICE_UNAVAILABLE, common | data | retry, _said(name))
                for name in (_BUSY, _LOG_AWAY)
            },
            _UNSIGNED: answer_of(HTTPStatus.FORBIDDEN, common | data, _said(_UNSIGNED)),
        }
        # One large body at a time: their signatures are for the other processor to compute.
        self._large = asyncio.Lock()

    async def __call__(self, scope: Scope, content: bytes) -> Answer | None:
        """Return the answer to a delivery once it is committed; None where Flask is to answer."""
        if scope["raw_path"] != _RAW_PATH:
            return None
        started = time.perf_counter()
        fields = Fields(scope["headers"])
        if not self._is_plain(scope, fields):
            return None
        outcome = await self._outcome(scope, content, fields)
        if outcome is None:
            return None
        metrics.count_delivery(outcome, seconds=time.perf_counter() - started)
        return self._answers[outcome]

    async def _outcome(self, scope: Scope, content: bytes, fields: Fields) -> str | None:
        """Return the name of the answer to a delivery; None where Flask is to answer."""
        at = clock.now()
        try:
            signer = await self._signer(content, fields)
        except BadSignature:
            # A stranger can send any number of these: the less each costs, the better.
            self._built.delivery_counter.note("refused", at=at)
            self._name(scope, fields)
            log.info("request.refused", path=WEBHOOK, problem=_UNSIGNED, reason=None, origin=None)
            return _UNSIGNED
        if len(content) > MOST_BYTES:
            return None
        try:
            wanted = intake.wanted(self._settings, content, fields)
        except BadPayload:
            return None
        outcome = "taken"
        if wanted:
            if wanted.events or wanted.standings:
                # A delivery that is only stored has no line in the log.
                self._name(scope, fields)
            try:
                await self._take_in(wanted, at=at)
            except NotCommitted as exc:
                outcome = _BUSY
                self._name(scope, fields)
                log.warning("database.failed", path=WEBHOOK, problem=outcome, reason=str(exc))
            except NotAppended as exc:
                outcome = _LOG_AWAY
                self._name(scope, fields)
                log.warning("delivery_log.failed", path=WEBHOOK, problem=outcome, reason=exc.reason)
            except Exception:  # noqa: BLE001 - an error of ours: it occurs again in Flask, and is logged there
                return None
        self._built.delivery_counter.note(signer, at=at)
        return outcome

    async def _signer(self, content: bytes, fields: Fields) -> Signer:
        if len(content) <= MOST_BYTES:
            return intake.signer(self._settings, content, fields)
        async with self._large:
            return await asyncio.to_thread(intake.signer, self._settings, content, fields)

    async def _take_in(self, wanted: Wanted, *, at: datetime) -> None:
        """Commit what is *wanted*, report the outcomes, and append what the log is to have."""
        built = self._built
        until = time.monotonic() + built.writer.limit_seconds
        outcomes: tuple[Outcome, ...] = ()
        if wanted.events:
            outcomes = await built.writer.write_meanwhile(
                flow.take_in,
                wanted.events,
                wanted.passed_on,
                unless_used=wanted.unless_used,
                policy=built.policy,
                at=at,
            )
        elif wanted.passed_on:
            await built.writer.insert_meanwhile(item_of(wanted.passed_on, at=at))
        intake.report(wanted, outcomes, at=at)
        if (entry := wanted.entry_after(outcomes)) and built.delivery_log:
            # Last, as `intake` explains.
            await built.delivery_log.append(entry, within=until - time.monotonic())

    def _name(self, scope: Scope, fields: Fields) -> None:
        request_guard.name_on_loop(scope, fields, self._settings)

    def _is_plain(self, scope: Scope, fields: Fields) -> bool:
        """Return whether Flask could have no reason to refuse the request, but for its body."""
        return (
            scope["method"] == "POST"
            and request_guard.is_plain(scope, fields, self._settings)
            # Only Flask begins traces.
            and self._built.spans is None
        )


def _said(problem: str) -> bytes:
    return json.dumps({"error": problem}, separators=(",", ":")).encode() + b"\n"

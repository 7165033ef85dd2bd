"""Messenger's own way in: on the event loop, without a thread and without Flask.

However many people sign in, and however slowly Graph answers them, Messenger waits for nothing but
the disk; and to reach Flask costs more than all the rest. Only what is plainly one of Messenger's
deliveries goes this way. What is odd in any respect takes the ordinary one, where the webhook's
view does the same by the same functions, and every error has its answer.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

from app import clock, metrics
from app.messenger.errors import BadPayload, BadSignature
from app.services import Services
from app.web import deliveries, front, headers
from app.web.deliveries import Wanted
from app.web.door import Refused, Scope
from app.web.problems import problem_of
from app.web.wsgi import Answer, Body
from app.writer import NotCommitted

# To read this much takes some two milliseconds, as a batch of 1,000 short events does; more would
# hold up the loop.
MOST_BYTES: Final = 256 * 1024


class Lane:
    """Takes in deliveries for *built*."""

    def __init__(self, built: Services) -> None:
        self._built, self._settings = built, built.settings
        said = headers.of_data(is_production=self._settings.is_production)
        said |= {"Content-Type": "text/plain; charset=utf-8", "Content-Length": "0"}
        fields = [(name.lower().encode(), value.encode()) for name, value in said.items()]
        self._taken = Answer(HTTPStatus.OK, fields, b"")

    async def __call__(self, scope: Scope, body: Body) -> Answer | None:
        """Return the answer to a delivery once it is committed; None for the ordinary way.

        Raises:
            Refused: It could not be committed in time.
        """
        if scope["raw_path"] != b"/webhook":
            return None
        started = time.perf_counter()
        fields, content = Fields(scope["headers"]), body.whole()
        if not self._is_plain(scope, fields, content):
            return None
        try:
            signer = deliveries.signer(self._settings, content, fields)
            wanted = deliveries.wanted(self._settings, content, fields)
        except (BadSignature, BadPayload):
            return None
        front.name_request()
        at = clock.now()
        self._built.tally.note(signer, at=at)
        if wanted and not await self._is_taken_in(wanted, at=at, since=started):
            return None
        metrics.count_delivery("taken", seconds=time.perf_counter() - started)
        return self._taken

    async def _is_taken_in(self, wanted: Wanted, *, at: datetime, since: float) -> bool:
        """Commit what is *wanted*; return False where that failed and left no trace."""
        built = self._built
        try:
            outcomes = await built.writer.write_meanwhile(
                deliveries.take_in, wanted, policy=built.policy, at=at
            )
        except NotCommitted as exc:
            name = problem_of(exc).name
            metrics.count_delivery(name, seconds=time.perf_counter() - since)
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not committed") from exc
        except Exception:  # noqa: BLE001 - a fault of ours: met again on the ordinary way, it is told there
            return False
        deliveries.tell(wanted, outcomes, at=at)
        return True

    def _is_plain(self, scope: Scope, fields: "Fields", content: bytes) -> bool:
        """Tell whether the ordinary way could have nothing to say against the request."""
        return (
            scope["method"] == "POST"
            and not scope["query_string"]
            and len(content) <= MOST_BYTES
            and not fields.are_doubled
            and front.is_our_name(fields.get("Host") or "", self._settings)
            and (not self._settings.is_production or self._came_by_https(scope, fields))
            # Traces begin with Flask's requests.
            and self._built.spans is None
        )

    def _came_by_https(self, scope: Scope, fields: "Fields") -> bool:
        """Tell whether the connection did, or, where proxies of ours end it, they say so (R86)."""
        hops = self._settings.trusted_proxies
        if not hops:
            return bool(scope["scheme"] == "https")
        said = (fields.get("X-Forwarded-Proto") or "").split(",")
        return hops <= len(said) and said[-hops].strip() == "https"


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

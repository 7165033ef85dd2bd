"""The outbox: what waits and what is dead, one item, and trying again.

Deliveries that are passed on are what customers write: no page has their content.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.linking import graph_unlink
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.outbox import heartbeats, inspection
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.circuit_breaker import OpenCircuit
from app.outbox.inspection import OutboxItem, QueueStats
from app.outbox.overdue import describe
from app.privacy.requests import ITEM_KIND
from app.web.console import guard, rendering, words
from app.web.console.current import now, signed_in
from app.web.console.figures import age, queue_name
from app.web.console.questions import NO_REASON, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows

bp = Blueprint("outbox", __name__)

KINDS: Final = (DELIVERY, NOTICE, graph_unlink.KIND, ITEM_KIND)
STATES: Final = ("waiting", "dead")
SHOWN: Final = 50
# One press; more are another press, so that no request takes longer than people wait.
REPLAYED_AT_ONCE: Final = 500
# No larger than a column of 64 bits.
_ID: Final = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """A queue as the page shows it."""

    kind: str
    state: str
    name: str
    count: int
    is_more: bool
    age: str
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitLine:
    """A target that takes nothing."""

    kind: str
    since: datetime
    why: str


@bp.get("/outbox")
@allows(Role.VIEWER)
def list_() -> ResponseReturnValue:
    """Show the queues; to support also the items of one."""
    at = now()
    queues = part(inspection.queue_stats, most=inspection.COUNTED_UP_TO)
    circuits = part(heartbeats.open_circuits, at=at)
    kind, state = words.asked("kind"), words.asked("state")
    if kind and (kind not in KINDS or state not in STATES):
        raise NotFound
    before = words.asked("before")
    items: Sequence[OutboxItem] | None = ()
    if kind:
        guard.require(Role.SUPPORT)
        items = part(_items, kind, state, before)
    return rendering.page(
        "outbox.html",
        queues=None if queues is None else [_line(queue, at) for queue in queues],
        circuits=[_circuit(circuit) for circuit in circuits or ()],
        kind=kind,
        state=state,
        before=before,
        items=items and items[:SHOWN],
        rest=str(items[SHOWN - 1].id) if items and len(items) > SHOWN else None,
        may_see_items=signed_in().role.may(Role.SUPPORT),
        may_replay_all=signed_in().role.may(Role.ADMIN),
    )


@bp.get("/outbox/<item_id>")
@allows(Role.SUPPORT, look=Act.VIEWED_NOTICE)
def show(item_id: str) -> ResponseReturnValue:
    """Show one item; of a notice also what the bot gets."""
    item = _found(item_id)
    guard.looked_at(_subject(item))
    return rendering.page("outbox_item.html", item=item, body=_body(item), person=_person(item))


@bp.post("/outbox/<item_id>/replay")
@allows(Role.SUPPORT, act=Act.REPLAYED)
def replay(item_id: str) -> ResponseReturnValue:
    """Have the worker try the item at once."""
    item = _found(item_id)
    guard.done(_subject(item), partial(inspection.replay, item_id=item.id, at=now()))
    return redirect(url_for("outbox.show", item_id=item_id), 303)


@bp.get("/outbox/replay-all/<kind>")
@allows(Role.ADMIN, is_fresh=True)
def ask_replay_all(kind: str) -> ResponseReturnValue:
    """Ask whether all dead letters of *kind* are to be tried again."""
    return ask(_question(kind), about=None)


@bp.post("/outbox/replay-all/<kind>")
@allows(Role.ADMIN, act=Act.REPLAYED_ALL, is_fresh=True)
def replay_all(kind: str) -> ResponseReturnValue:
    """Have the worker try the dead letters of *kind* again, the oldest first."""
    question = _question(kind)
    if not has_reason():
        return ask(question, about=None, problem=NO_REASON)
    some = partial(inspection.replay_some, kind=kind, most=REPLAYED_AT_ONCE, at=now())
    guard.done(Subject("outbox", kind), some)
    return redirect(url_for("outbox.list_", kind=kind, state="dead"), 303)


def _items(session: Session, kind: str, state: str, before: str) -> Sequence[OutboxItem]:
    last = inspection.find(session, int(before)) if _ID.fullmatch(before) else None
    place = (last.created_at, last.id) if last else None
    return inspection.newest_items(session, kind, state, before=place, most=SHOWN + 1)


def _found(item_id: str) -> OutboxItem:
    item = read(inspection.find, int(item_id)) if _ID.fullmatch(item_id) else None
    if item is None:
        raise NotFound
    return item


def _subject(item: OutboxItem) -> Subject:
    return Subject("outbox", str(item.id))


def _line(queue: QueueStats, at: datetime) -> QueueLine:
    return QueueLine(
        kind=queue.kind,
        state=queue.state,
        name=queue_name(queue),
        count=queue.count,
        is_more=queue.count >= inspection.COUNTED_UP_TO,
        age=age(at - queue.oldest_at),
        next_try_at=queue.next_try_at,
    )


def _circuit(circuit: OpenCircuit) -> CircuitLine:
    return CircuitLine(
        kind=circuit.kind, since=circuit.since.astimezone(UTC), why=describe(circuit)
    )


def _body(item: OutboxItem) -> str | None:
    """Return what the bot gets; None unless it is a notice, which we wrote."""
    if item.kind != NOTICE or not item.body:
        return None
    # As ASCII: names of strangers are in it, and nothing in them may act on the page.
    return json.dumps(json.loads(item.body), indent=2)


def _person(item: OutboxItem) -> tuple[str, str] | None:
    if item.kind != graph_unlink.KIND or not item.body:
        return None
    page_id, psid = json.loads(item.body)
    return page_id, psid


def _question(kind: str) -> Question:
    if kind not in KINDS:
        raise NotFound
    return Question(
        title=f"Send the dead letters of {kind} again?",
        sentence=(
            f"The worker tries the oldest {REPLAYED_AT_ONCE} at once, with all their retries anew. "
            "Whoever got one already gets the same id again. If more are dead, press again."
        ),
        button="Send again",
        back=url_for("outbox.list_", kind=kind, state="dead"),
    )

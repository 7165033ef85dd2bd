"""The items of the outbox that hold a person: which of them go, and which the bot must still get.

A delivery that Messenger posted is signed, byte for byte: one that holds others as well cannot be
changed, and goes to the bot or, by KEEP_DELIVERIES_HOURS, away.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from app.infra.database.portions import Transactions
from app.linking import chat_messages, graph_unlink
from app.linking.values import User
from app.messenger.types import PageId, Psid
from app.outbox import bodies
from app.outbox.bodies import HeldItem
from app.outbox.bot_webhooks import DELIVERY, NOTICE

# Of all notices, the bot must get this one: else it goes on as if the link were there.
_END = "link.removed"


def erase(
    store: Transactions,
    page_id: PageId,
    psid: Psid,
    *,
    until: datetime,
    others_until: datetime | None,
) -> Iterator[int]:
    """Erase the person from what waits and what is dead; yield the number of items of each step.

    Deliveries that came after *until* stay: what the person has written since is not asked about;
    and so do other items after *others_until*. The end of the link is still told to the bot,
    without names, and to Messenger.
    """
    for item in items_of(store, page_id, psid):
        if _is_end(item):
            yield from _blank_names(store, item)
        elif _is_needless(item, page_id, psid, until, others_until):
            yield store.write(partial(bodies.remove, ids=[item.id]))


def erase_rest(store: Transactions, page_id: PageId, psid: Psid) -> Iterator[int]:
    """Delete what the bot and Messenger were still to be told of the person; yield as `erase`."""
    for item in items_of(store, page_id, psid):
        if item.kind != DELIVERY:
            yield store.write(partial(bodies.remove, ids=[item.id]))


def erase_notices(store: Transactions, user: User) -> Iterator[int]:
    """Erase *user* from the notices about them, whoever has the profile now; yield as `erase`."""
    for item in notices_of(store, user):
        if _is_end(item):
            yield from _blank_names(store, item)
        else:
            yield store.write(partial(bodies.remove, ids=[item.id]))


def notices_of(store: Transactions, user: User) -> Iterator[HeldItem]:
    """Yield the notices about *user*; not those that tell of another one who took the place."""
    for item in bodies.holding(store, json.dumps(user.subject, ensure_ascii=False).encode()):
        data = _json(item.body).get("data")
        told = isinstance(data, dict) and (data.get("issuer"), data.get("subject"))
        if item.kind == NOTICE and told == (user.issuer, user.subject):
            yield item


def items_of(store: Transactions, page_id: PageId, psid: Psid) -> Iterator[HeldItem]:
    """Yield the items that hold the person, those that hold others too among them."""
    # In quotes: an id is not looked for inside of another.
    for item in bodies.holding(store, json.dumps(psid).encode()):
        if item.kind == DELIVERY:
            is_theirs = any(page == page_id for page, _ in _people_in(item.body))
        elif item.kind == NOTICE:
            data = _json(item.body).get("data")
            is_theirs = isinstance(data, dict) and (data.get("page_id"), data.get("psid")) == (
                page_id,
                psid,
            )
        elif item.kind == chat_messages.SAY:
            is_theirs = chat_messages.is_about(item.body, page_id, psid)
        else:
            is_theirs = item.body == graph_unlink.body_for(page_id, psid)
        if is_theirs:
            yield item


def _is_needless(
    item: HeldItem, page_id: PageId, psid: Psid, until: datetime, others_until: datetime | None
) -> bool:
    if item.kind == DELIVERY:
        people = [*_people_in(item.body)]
        is_theirs_alone = all(page == page_id and psid in ids for page, ids in people)
        return is_theirs_alone and item.created_at <= until
    is_asked_about = others_until is None or item.created_at <= others_until
    is_told_nobody = item.kind in {NOTICE, chat_messages.SAY} or item.state == "dead"
    return is_asked_about and is_told_nobody


def _people_in(body: bytes) -> Iterator[tuple[object, frozenset[object]]]:
    """Yield of each event in a delivery its Page, and the ids of sender and recipient."""
    entries = _json(body).get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        others = [name for name in entry if name not in {"id", "time", "messaging", "standby"}]
        events = [
            event
            for name in ("messaging", "standby")
            if isinstance(entry.get(name), list)
            for event in entry[name]
        ]
        for event in events:
            sides = event if isinstance(event, dict) else {}
            yield (
                entry.get("id"),
                frozenset(map(_id_of, (sides.get("sender"), sides.get("recipient")))),
            )
        if others:
            # Of another kind, which may be about anybody.
            yield entry.get("id"), frozenset()


def _id_of(side: object) -> str | None:
    told = side.get("id") if isinstance(side, dict) else None
    return told if isinstance(told, str) else None


def _is_end(item: HeldItem) -> bool:
    return item.kind == NOTICE and _json(item.body).get("type") == _END


def _blank_names(store: Transactions, item: HeldItem) -> Iterator[int]:
    body = _without_names(item.body)
    if body != item.body:
        store.write(partial(bodies.rewrite, item_id=item.id, body=body))
        yield 1


def _without_names(body: bytes) -> bytes:
    notice = _json(body)
    data = notice.get("data")
    if not isinstance(data, dict):
        return body
    blank = {name: None for name in ("display_name", "messenger_name") if data.get(name)}
    if not blank:
        return body
    changed = {**notice, "data": {**data, **blank}}
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}

"""A record of what the server acknowledged, kept outside of it, and an audit of its database."""

import hashlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from sqlalchemy import URL, Connection, text

from app.infra.database.engine import make_engine
from app.linking.authorization_codes import digest
from app.messenger.types import Psid
from tests.bot import Bot

# Longer than any wait of a drill on a busy machine.
PATIENCE_SECONDS: Final = 120
# What is acknowledged, and by what: 200 to Messenger for the first three, 303 with a code to a
# person, 204 to the business.
MESSAGE, LOG_OUT, LINK, CODE, END = "message", "log-out", "link", "code", "end"


@dataclass(slots=True)
class Acknowledgements:
    """Everything that was acknowledged: by kind and PSID, the body posted or the code received."""

    entries: dict[str, dict[Psid, bytes]] = field(default_factory=lambda: defaultdict(dict))
    statuses: Counter[int] = field(default_factory=Counter)
    # Answers that were no acknowledgement, and did not say when to come again.
    rude: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, psid: Psid, proof: bytes) -> None:
        with self._lock:
            self.entries[what][psid] = proof

    def note_status(self, status: int, headers: Mapping[str, str]) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.rude += status == 503 and "retry-after" not in headers

    def about(self, what: str) -> frozenset[Psid]:
        """Return the PSIDs for which *what* was acknowledged."""
        with self._lock:
            return frozenset(self.entries[what])

    @property
    def acknowledged(self) -> int:
        with self._lock:
            return sum(map(len, self.entries.values()))

    def wait_for(self, more: int) -> None:
        """Wait for *more* acknowledgements."""
        wanted = self.acknowledged + more
        _wait_until(lambda: self.acknowledged >= wanted)

    def wait_for_refusals(self, more: int) -> None:
        """Wait for *more* answers with status 503."""
        wanted = self.statuses[503] + more
        _wait_until(lambda: self.statuses[503] >= wanted)

    def __str__(self) -> str:
        counted = ", ".join(f"{len(found)} {what}s" for what, found in self.entries.items())
        return f"{self.acknowledged} acknowledged ({counted}); {self.statuses[503]} answered 503"


def _wait_until(is_there: Callable[[], bool]) -> None:
    tick, limit = threading.Event(), monotonic() + PATIENCE_SECONDS
    while not is_there():
        assert monotonic() < limit, "the load leads nowhere: no such answer for a long time"
        tick.wait(0.005)


def lost(acks: Acknowledgements, database: URL) -> dict[str, frozenset[str]]:
    """Return the PSIDs whose acknowledged steps *database* does not contain, and other errors."""
    engine = make_engine(database)
    with engine.connect() as connection:
        _check_integrity(connection)
        happened = _all(connection, "SELECT status || ' ' || psid FROM link_event")
        digests = _all(connection, "SELECT digest FROM outbox WHERE kind = 'delivery'")
        codes = _all(connection, "SELECT code_hash FROM attempt WHERE code_hash IS NOT NULL")
        ended = _all(connection, "SELECT psid FROM link WHERE state = 'ended' AND cause = 'api'")
        linked = _all(connection, "SELECT psid FROM link WHERE subject IS NOT NULL")
    engine.dispose()
    entries = acks.entries
    messages = entries[MESSAGE].items()
    got = entries[CODE].items()
    found = {
        MESSAGE: frozenset(p for p, body in messages if _sha256(body) not in digests),
        LOG_OUT: frozenset(p for p in entries[LOG_OUT] if f"unlinked {p}" not in happened),
        LINK: frozenset(p for p in entries[LINK] if f"linked {p}" not in happened),
        CODE: frozenset(p for p, code in got if digest(code.decode()) not in codes),
        END: frozenset(entries[END]) - ended,
        "link without history": frozenset(p for p in linked if f"linked {p}" not in happened),
        "good code refused": frozenset(row for row in happened if row.startswith("refused")),
    }
    return {what: whose for what, whose in found.items() if whose}


@dataclass(slots=True)
class Heard:
    """Posts the bot received: digests of deliveries, and the notice ids of each change."""

    deliveries: set[str] = field(default_factory=set)
    notice_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    posts: int = 0


def heard_by(bot: Bot) -> Heard:
    """Return the posts that *bot* received whole; a sender that is killed leaves half a post."""
    heard = Heard()
    for received in bot.received:
        if len(received.body) < int(received.headers["Content-Length"]):
            continue
        heard.posts += 1
        if received.path == "/notices":
            data = json.loads(received.body)["data"]
            change = f"{data['psid']} {data['version']}"
            heard.notice_ids[change].add(received.headers["webhook-id"])
        else:
            heard.deliveries.add(_sha256(received.body))
    return heard


def unheard(acks: Acknowledgements, heard: Heard) -> frozenset[Psid]:
    """Return the PSIDs whose acknowledged messages the bot has not received."""
    messages = acks.entries[MESSAGE].items()
    return frozenset(psid for psid, body in messages if _sha256(body) not in heard.deliveries)


def changes(database: URL) -> frozenset[str]:
    """Return each change of a link in *database*, as PSID and version."""
    engine = make_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT psid, version FROM link WHERE subject IS NOT NULL")
        ).all()
    engine.dispose()
    return frozenset(f"{psid} {number}" for psid, last in rows for number in range(1, last + 1))


def _check_integrity(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert ["ok"] == list(connection.scalars(text("PRAGMA integrity_check")))
        assert [] == list(connection.execute(text("PRAGMA foreign_key_check")))
        return
    # Read without the index that should have kept them apart.
    connection.execute(text("SET LOCAL enable_indexscan = off"))
    connection.execute(text("SET LOCAL enable_indexonlyscan = off"))
    for twice in (
        "SELECT 1 FROM outbox WHERE digest IS NOT NULL GROUP BY kind, digest HAVING count(*) > 1",
        "SELECT 1 FROM link GROUP BY page_id, psid HAVING count(*) > 1",
        "SELECT 1 FROM link_event GROUP BY event_at, psid, status HAVING count(event_at) > 1",
    ):
        assert [] == connection.scalars(text(twice)).all()


def _all(connection: Connection, query: str) -> frozenset[str]:
    return frozenset(connection.scalars(text(query)))


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

"""Numbered changes: a mirror that polls misses none, however many are written meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.infra.database.writer import NotCommitted, Writer
from app.linking import changes, links
from app.linking.models import Link
from app.messenger.types import PageId, Psid
from tests.installation import NOON, OTHER_PAGE, PAGE

WRITERS, LINKS_EACH = 16, 12


class Mirror:
    """Keeps what it was told, by version, as docs/bots.md says a mirror should."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.cursor = 0
        self.links: dict[Psid, tuple[int, str]] = {}

    def poll(self, most: int = 7) -> int:
        self._writer.write(changes.number, most=most)
        found = self._writer.read(changes.since, self.cursor, page=None, most=most)
        for change in found:
            self.cursor = change.number
            self.links[change.link.psid] = (change.link.version, change.link.state)
        return len(found)


def make(session: Session, psid: str, page: PageId = PAGE) -> None:
    session.add(
        Link(
            page_id=page,
            psid=psid,
            issuer="local",
            subject="jane",
            state="linked",
            version=1,
            event_at=NOON,
            cause="imported",
        )
    )


def end(session: Session, psid: str) -> None:
    links.end(session, PAGE, Psid(psid), cause="operator", at=NOON)


def test_sixteen_writers_hide_nothing_from_a_mirror(engine: Engine) -> None:
    """Numbers drawn by the writers themselves would become visible out of order."""
    writer = Writer(engine)
    mirror = Mirror(writer)
    is_over = threading.Event()

    def write(number: int) -> None:
        for place in range(LINKS_EACH):
            psid = f"{number}{place:03}"
            persist(writer, make, psid)
            if place % 3 == 0:
                persist(writer, end, psid)

    def follow() -> None:
        while not is_over.is_set():
            try:
                mirror.poll()
            except NotCommitted:
                continue  # the same poll, again

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow)
        for written in [pool.submit(write, number) for number in range(10, 10 + WRITERS)]:
            written.result()
        is_over.set()
        following.result()
    while mirror.poll():
        pass

    with Session(engine) as session:
        truth = {link.psid: (link.version, link.state) for link in session.query(Link)}
    assert WRITERS * LINKS_EACH == len(truth)
    assert truth == mirror.links


def persist(writer: Writer, step: object, psid: str) -> None:
    while True:
        try:
            writer.write(step, psid)  # type: ignore[arg-type]  # two use cases of the same shape
        except NotCommitted:
            continue
        return


def test_a_transaction_that_is_late_is_told_later(engine: Engine) -> None:
    """What commits after a poll comes in the next one, although it began before."""
    if engine.dialect.name == "sqlite":
        return  # one writer at a time: nobody is late
    writer = Writer(engine)
    mirror = Mirror(writer)
    with Session(engine) as slow, slow.begin():
        make(slow, "1")
        slow.flush()
        writer.write(make, "2")
        mirror.poll()
        before = dict(mirror.links)

    mirror.poll()

    assert {"2"} == set(before)
    assert {"1", "2"} == set(mirror.links)


def test_a_link_that_changes_again_comes_again(engine: Engine) -> None:
    writer = Writer(engine)
    mirror = Mirror(writer)
    writer.write(make, "1")
    mirror.poll()

    writer.write(end, "1")
    mirror.poll()

    assert {"1": (2, "ended")} == mirror.links


def test_a_number_is_never_given_twice(engine: Engine) -> None:
    """The link with the highest number may change, and lose it."""
    writer = Writer(engine)
    mirror = Mirror(writer)
    writer.write(make, "1")
    mirror.poll()
    first = mirror.cursor
    writer.write(end, "1")

    mirror.poll()

    assert first < mirror.cursor


def test_a_key_for_one_page_is_told_of_that_page_alone(session: Session) -> None:
    make(session, "1")
    make(session, "2", OTHER_PAGE)
    session.flush()
    changes.number(session, most=9)

    found = changes.since(session, 0, page=OTHER_PAGE, most=9)

    assert ["2"] == [change.link.psid for change in found]


def test_a_bare_tombstone_is_no_change(session: Session) -> None:
    """An end of which no beginning is known appears nowhere."""
    tombstone = Link(
        page_id=PAGE,
        psid="1",
        state="ended",
        version=0,
        event_at=NOON - timedelta(days=1),
        cause="messenger",
    )
    session.add(tombstone)
    session.flush()

    changes.number(session, most=9)

    assert () == changes.since(session, 0, page=None, most=9)
    assert not changes.is_behind(session)

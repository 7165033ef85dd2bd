"""A day of other people's attempts, so that the demo's figures and charts are not empty.

Made by the functions that pages and webhook use, at times that are past: what the console then
shows is derived as it always is. The same each time but for the hour. Everybody logs out in the
end, so that the only links in the demo are those that its visitor makes.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity, masked
from app.infra.database.portions import in_portions
from app.infra.database.writer import Writer
from app.linking import (
    attempt_events,
    attempts,
    delivery_counts,
    links,
    settling,
    sign_in_names,
)
from app.linking.attempt_events import Counted, Key, Kind, Note
from app.linking.references import reference_of
from app.linking.values import NameOutcome, Recognised, Ticket
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid
from app.services.container import Services

SEED: Final = 1717
# Less than a day: attempts in which nobody was recognised are kept for 24 hours.
LASTS: Final = timedelta(hours=22)
# Everything is settled by its end.
ENDS_BEFORE: Final = timedelta(minutes=15)
# How many come in each hour of a day, of the clock.
_HOURS: Final = (
    2,
    1,
    1,
    1,
    1,
    2,
    4,
    7,
    9,
    10,
    10,
    11,
    12,
    11,
    10,
    10,
    11,
    13,
    15,
    16,
    15,
    11,
    7,
    4,
)
_NAMES: Final = (
    "Aisha Bello, Ana Berg, Bao Nguyen, Carla Ruiz, Chen Wei, Dana Levi, Emil Novak, Farah Haddad,"
    " Goran Ilic, Hana Sato, Ines Costa, Ivan Petrov, Jonas Weber, Kwame Mensah, Lena Fischer,"
    " Lucia Romano, Mia Larsen, Mohamed Ali, Nina Kowalska, Omar Aziz, Paula Gomes, Priya Nair,"
    " Rosa Jimenez, Samuel Okoro, Sofia Rossi, Tariq Khan, Uma Patel, Viktor Horvat, Yara Nassar,"
    " Zoe Martin"
)
PEOPLE: Final = tuple(name.strip() for name in _NAMES.split(","))
LOCAL: Final = "local"
ONE_HOUR: Final = timedelta(hours=1)
# Attempts in one transaction, and deliveries of Messenger for each.
PORTION: Final = 40
LIMIT_SECONDS: Final = 60.0
DELIVERIES_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Day:
    """A day of *page_id* that ends at *ends_at*; *subjects* are the accounts' by name."""

    page_id: PageId
    ends_at: datetime
    subjects: Mapping[str, str]
    code_key: bytes = field(repr=False)


class Visit:
    """One attempt of one person, whose clock runs as they go on."""

    def __init__(self, session: Session, day: Day, number: int, at: datetime) -> None:
        self.session, self.day, self.at = session, day, at
        # Of its own, so that a transaction that is run twice does the same.
        self.random = Random(SEED + number)  # noqa: S311 - no secret
        self.events: dict[Key, Counted] = {}
        self.psid = Psid(f"80{number:013d}")
        self.name = PEOPLE[number % len(PEOPLE)]
        self.code = ""
        self.ticket = attempts.open_(
            session,
            page_id=day.page_id,
            account_linking_token=f"generated {number}",
            attempt_id=f"generated-{number}",
            at=at,
        )

    def wait(self, least: int, most: int) -> None:
        self.at += timedelta(seconds=self.random.randint(least, most))

    def note(
        self, kind: Kind, subject: str = "", *, code: int = 0, subcode: int = 0, detail: str = ""
    ) -> None:
        """Note what pages and their errors note."""
        note = Note(
            reference=reference_of(self.ticket.attempt_id),
            kind=kind,
            at=self.at,
            subject=subject,
            code=code,
            subcode=subcode,
            detail=detail,
            page_id=self.day.page_id,
        )
        before = self.events.get(note.key)
        self.events[note.key] = before.plus(note) if before else Counted.one(note)


Step = Callable[[Visit], None]
Story = Sequence[Step]


def recognised(visit: Visit) -> None:
    """Messenger says who the person is, and the sign-in page is shown."""
    visit.wait(0, 1)
    person = Recognised(visit.psid, visit.name, NameOutcome.NAMED)
    attempts.recognise(visit.session, visit.ticket, person, at=visit.at)
    visit.note(Kind.PAGE_SHOWN, "sign_in")


def mistyped(visit: Visit, *, times: int, why: str = "wrong_password") -> None:
    for _ in range(times):
        visit.wait(6, 25)
        visit.note(Kind.CREDENTIALS_WRONG, LOCAL, detail=why)


def limited(visit: Visit) -> None:
    visit.wait(5, 10)
    visit.note(Kind.RATE_LIMITED, "pair")


def signed_in(visit: Visit) -> None:
    visit.wait(8, 40)
    identity = _identity(visit.name, visit.day.subjects)
    successor = Ticket(visit.ticket.attempt_id, secrets.token_urlsafe(32))
    attempts.sign_in(visit.session, visit.ticket, identity, successor, at=visit.at)
    visit.ticket = successor
    visit.note(Kind.PAGE_SHOWN, "confirm")


def confirmed(visit: Visit) -> None:
    visit.wait(3, 20)
    visit.code = attempts.confirm(
        visit.session, visit.ticket, code_key=visit.day.code_key, max_links=1000, at=visit.at
    )


def linked(visit: Visit) -> None:
    visit.wait(1, 3)
    event = AccountLinked(visit.day.page_id, visit.psid, visit.at, visit.code)
    links.redeem(visit.session, event, at=visit.at)


def brought_late(visit: Visit) -> None:
    """Messenger's event comes when the code is dead."""
    visit.wait(900, 1200)
    linked(visit)


def brought_by_another(visit: Visit) -> None:
    """Somebody else's Messenger brings the code: perhaps a phisher's."""
    visit.wait(1, 3)
    event = AccountLinked(visit.day.page_id, Psid("809999999999999"), visit.at, visit.code)
    links.redeem(visit.session, event, at=visit.at)


def logged_out(visit: Visit) -> None:
    left = max(60, int((visit.day.ends_at - visit.at).total_seconds()))
    visit.at += timedelta(seconds=visit.random.randint(30, left))
    event = AccountUnlinked(visit.day.page_id, visit.psid, visit.at, None)
    links.end_by_event(visit.session, event, at=visit.at)


def cancelled(visit: Visit) -> None:
    visit.wait(4, 30)
    attempts.cancel(visit.session, visit.ticket, at=visit.at)


def noted(visit: Visit, kind: Kind, subject: str = "", **facts: object) -> None:
    visit.wait(2, 9)
    visit.note(kind, subject, **facts)  # type: ignore[arg-type]


_TO_CONFIRM: Final = (recognised, signed_in)
_TO_LINK: Final = (*_TO_CONFIRM, confirmed, linked, logged_out)
_DEAD_TOKEN: Final = partial(
    noted,
    kind=Kind.GRAPH_FAILED,
    subject="recipient_for",
    code=190,
    subcode=463,
    detail="TokenDead",
)
# How many people meet what.
STORIES: Final[Sequence[tuple[int, Story]]] = (
    (56, _TO_LINK),
    (9, (recognised, partial(mistyped, times=1), *_TO_LINK[1:])),
    (8, (recognised,)),
    (6, ()),
    (5, (recognised, partial(mistyped, times=3))),
    (3, (recognised, partial(mistyped, times=2, why="no_such_account"))),
    (2, (recognised, partial(mistyped, times=5), limited)),
    (4, _TO_CONFIRM),
    (4, (recognised, cancelled)),
    (2, (*_TO_CONFIRM, cancelled)),
    (4, (_DEAD_TOKEN,)),
    (2, (partial(noted, kind=Kind.COOKIE_ABSENT, detail="no_cookies"),)),
    (1, (*_TO_CONFIRM, partial(noted, kind=Kind.TOO_MANY_LINKS))),
    (1, (recognised, partial(noted, kind=Kind.GATE_FULL))),
    (1, (*_TO_CONFIRM, confirmed, brought_late)),
    (1, (*_TO_CONFIRM, confirmed, brought_by_another)),
)


def generate(services: Services, page_id: PageId, *, at: datetime) -> int:
    """Store a day of attempts on *page_id* that ends before *at*; return how many."""
    # Nobody waits for one of its transactions, however busy the machine is.
    writer = Writer(services.engine, limit_seconds=LIMIT_SECONDS)
    ends_at = at - ENDS_BEFORE
    subjects = writer.write(_add_accounts, services, ends_at)
    day = Day(page_id, ends_at, subjects, secrets.token_bytes(32))
    planned = _plan(ends_at)
    for begin in range(0, len(planned), PORTION):
        writer.write(_store, day, planned[begin : begin + PORTION])
    for _ in in_portions(writer, settling.unsettled(at)):
        pass
    writer.close()
    return len(planned)


def _plan(ends_at: datetime) -> list[tuple[int, datetime, Story]]:
    """Return number, beginning and story of each visit, the earliest first."""
    random = Random(SEED)  # noqa: S311 - no secret
    stories = [story for number, story in STORIES for _ in range(number)]
    random.shuffle(stories)
    hours = [ends_at - LASTS + timedelta(hours=each) for each in range(LASTS // ONE_HOUR)]
    chosen = random.choices(hours, [_HOURS[hour.hour] for hour in hours], k=len(stories))
    # Nobody begins in the last minutes of an hour: each visit is over by the end of the day.
    times = sorted(hour + timedelta(seconds=random.randrange(2400)) for hour in chosen)
    return [(number, *visit) for number, visit in enumerate(zip(times, stories, strict=True), 1)]


def _add_accounts(session: Session, services: Services, at: datetime) -> dict[str, str]:
    """Add everybody's account, to be looked up; return the subjects."""
    # Nobody knows it.
    password_hash = services.hasher.hash(secrets.token_urlsafe(32))
    subjects = {}
    for name in PEOPLE:
        subjects[name] = local.add(session, _address(name), None, password_hash, at=at - LASTS)
        identity = _identity(name, subjects)
        hashes = services.name_hasher.hashes_of(identity)
        sign_in_names.remember(session, identity, hashes, at=at)
    return subjects


def _store(session: Session, day: Day, planned: Sequence[tuple[int, datetime, Story]]) -> None:
    delivered: dict[tuple[datetime, delivery_counts.Signer], int] = {}
    events: dict[Key, Counted] = {}
    for number, at, story in planned:
        visit = Visit(session, day, number, at)
        for step in story:
            step(visit)
        minute: tuple[datetime, delivery_counts.Signer] = (delivery_counts.minute_of(at), "current")
        delivered[minute] = delivered.get(minute, 0) + DELIVERIES_EACH
        events |= visit.events
    delivery_counts.add(session, delivered)
    attempt_events.record(session, events)


def _address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


def _identity(name: str, subjects: Mapping[str, str]) -> Identity:
    address = _address(name)
    return Identity(local.ISSUER, subjects[name], masked(address), known_as=(address,))

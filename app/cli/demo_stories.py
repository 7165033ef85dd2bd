"""The people of the demo's day, and the steps that each of them takes.

A step is a function of a visit, which it takes further by what pages and webhook call.
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
from app.linking import attempts, links
from app.linking.attempt_events import Counted, Key, Kind, Note
from app.linking.references import reference_of
from app.linking.values import NameOutcome, Recognised, Ticket
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid

SEED: Final = 1717
_NAMES: Final = (
    "Aisha Bello, Ana Berg, Bao Nguyen, Carla Ruiz, Chen Wei, Dana Levi, Emil Novak, Farah Haddad,"
    " Goran Ilic, Hana Sato, Ines Costa, Ivan Petrov, Jonas Weber, Kwame Mensah, Lena Fischer,"
    " Lucia Romano, Mia Larsen, Mohamed Ali, Nina Kowalska, Omar Aziz, Paula Gomes, Priya Nair,"
    " Rosa Jimenez, Samuel Okoro, Sofia Rossi, Tariq Khan, Uma Patel, Viktor Horvat, Yara Nassar,"
    " Zoe Martin"
)
PEOPLE: Final = tuple(name.strip() for name in _NAMES.split(","))
LOCAL: Final = "local"


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
    identity = identity_of(visit.name, visit.day.subjects)
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


def address_of(name: str) -> str:
    """Return the username of *name*."""
    return f"{name.lower().replace(' ', '.')}@example.com"


def identity_of(name: str, subjects: Mapping[str, str]) -> Identity:
    """Return who signs in as *name*, whose account is among *subjects*."""
    address = address_of(name)
    return Identity(local.ISSUER, subjects[name], masked(address), known_as=(address,))

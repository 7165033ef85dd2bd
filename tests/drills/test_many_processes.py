"""Many processes answer for one database, and what stands is what the model says (R35, R118)."""

import os
import random
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import URL

from app.infra import clock
from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.linking import link_queries
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import Psid
from tests import shipped
from tests.actors import Messenger, delivery, linked, unlinked
from tests.browsers import OverSockets
from tests.installation import PAGE
from tests.linking.factories import FOREIGN_JANE, JANE, OMAR, confirmed, user
from tests.linking.reference_model import Code, ReferenceModel

# `make drills` asks for 50.
ROUNDS = int(os.environ.get("DRILL_ROUNDS", "1"))
SEED = int(os.environ.get("DRILL_SEED", "1"))
SERVERS, CLIENTS = 3, 6
PEOPLE, EVENTS = 5, 60
USERS = (JANE, OMAR, FOREIGN_JANE)


@dataclass
class Round:
    """Some people who link, log out and link as somebody else, told in any order and often."""

    number: int
    writer: Writer
    dice: random.Random
    # Messenger tells milliseconds.
    at: datetime = field(default_factory=lambda: clock.now().replace(microsecond=0))
    model: ReferenceModel = field(default_factory=ReferenceModel)

    @property
    def people(self) -> list[Psid]:
        return [Psid(f"7{self.number:06d}{one:06d}") for one in range(PEOPLE)]

    def deliveries(self) -> list[bytes]:
        """Return what Messenger posts: events by the batch, each once to three times."""
        # Never two at the same moment but by chance of an end, which then wins.
        moments = [
            self.at + timedelta(seconds=s) for s in self.dice.sample(range(-110, 550), EVENTS)
        ]
        events = [self._event(self.dice.choice(self.people), moment) for moment in moments]
        events += [self._end(event) for event in self.dice.sample(events, EVENTS // 10)]
        posted: list[bytes] = []
        while events:
            size = self.dice.randint(1, 4)
            body, events = delivery(*events[:size]), events[size:]
            posted += [body] * self.dice.randint(1, 3)
        self.dice.shuffle(posted)
        return posted

    def _event(self, psid: Psid, moment: datetime) -> dict[str, Any]:
        if self.dice.random() < 0.4:
            self.model.unlinked(AccountUnlinked(PAGE, psid, moment), self.at)
            return unlinked(psid, moment)
        # One in six brings a code that was made for somebody else.
        owner = psid if self.dice.random() < 0.83 else self.dice.choice(self.people)
        identity = self.dice.choice(USERS)
        text = self.writer.write(confirmed, psid=owner, as_=identity, at=self.at)
        event = AccountLinked(PAGE, psid, moment, text)
        self.model.linked(Code(text, owner, identity, self.at), event, self.at)
        return linked(psid, text, moment)

    def _end(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return a log-out of the same person at the same moment as *event*."""
        psid = Psid(event["sender"]["id"])
        moment = datetime.fromtimestamp(event["timestamp"] / 1000, tz=self.at.tzinfo)
        self.model.unlinked(AccountUnlinked(PAGE, psid, moment), self.at)
        return unlinked(psid, moment)


def test_random_deliveries_to_several_servers_come_to_what_the_model_says(database: URL) -> None:
    """R35, R118: linked, unlinked, replaced and refused, reordered and repeated."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    engine = make_engine(database)
    writer = Writer(engine)
    posted = refused = standing = 0
    with ExitStack() as stack:
        origins = [stack.enter_context(shipped.serving(database)).origin for _ in range(SERVERS)]
        for number in range(ROUNDS):
            told = Round(number, writer, dice)
            deliveries = told.deliveries()
            posted += len(deliveries)
            refused += _post(deliveries, origins)
            for psid in told.people:
                link, identity = (
                    writer.read(link_queries.find_link, PAGE, psid),
                    told.model.standing(psid),
                )
                standing += identity is not None
                assert (identity and user(identity)) == (link and link.user), (SEED, number, psid)
    engine.dispose()

    print(  # noqa: T201 - the figures of the drill
        f"\n{database.get_backend_name()}: {ROUNDS} rounds (seed {SEED}), {posted} deliveries to "
        f"{SERVERS} servers, {refused} answered 503 and posted again; {standing} links stand"
    )


def _post(deliveries: Sequence[bytes], origins: Sequence[str]) -> int:
    """Post *deliveries* at once, each to one of *origins*; return how many had to come again."""
    waiting: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
    for numbered in enumerate(deliveries):
        waiting.put(numbered)
    refused: list[int] = []

    def client() -> None:
        messengers = [Messenger(OverSockets(origin)) for origin in origins]
        while True:
            try:
                number, body = waiting.get_nowait()
            except Empty:
                return
            status = messengers[number % len(messengers)].posts(body).status
            if status == 503:
                refused.append(number)
                waiting.put((number + 1, body))
            else:
                assert 200 == status

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(refused)

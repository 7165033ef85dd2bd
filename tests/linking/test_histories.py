"""Links, whatever Messenger repeats, delays, reorders or batches differently.

Hypothesis makes the histories; the reference model says how they end. `make explore` makes other
histories, and more of them.
"""

from datetime import timedelta
from functools import partial
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking import handlers, link_queries
from app.linking.handlers import Policy
from app.linking.models import Link, LinkEvent
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import Psid
from app.outbox.models import OutboxRow
from tests.installation import ANA, BEN, NOON, PAGE
from tests.linking.factories import JANE, OMAR, confirmed, user
from tests.linking.reference_model import Code, ReferenceModel

POLICY = Policy(frozenset({PAGE}), tells_bot=False)

Told = AccountLinked | AccountUnlinked

identities = st.sampled_from([JANE, OMAR])
people = st.sampled_from([ANA, BEN])
# Few, so that equal times happen, and on both sides of the limits of a code.
moments = st.sampled_from([-3, -2, 0, 1, 10, 11]).map(lambda minutes: timedelta(minutes=minutes))


class Histories(RuleBasedStateMachine):
    """Two people, two accounts, one page, and a Messenger that repeats and reorders at will."""

    delayed = Bundle("delayed")
    told = Bundle("told")

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.session = Session(engine)
        self.model = ReferenceModel()
        self.at = NOON
        self.versions = {ANA: 0, BEN: 0}
        self.code_of: dict[str, Code] = {}

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()

    @rule(target=told, psid=people, identity=identities, after=moments)
    def person_links(self, psid: Psid, identity: Identity, after: timedelta) -> Told:
        code = self._confirm(psid, identity)
        return self._deliver(AccountLinked(PAGE, psid, self.at + after, code.text))

    @rule(target=told, psid=people, after=moments)
    def person_logs_out(self, psid: Psid, after: timedelta) -> Told:
        return self._deliver(AccountUnlinked(PAGE, psid, self.at + after))

    @rule(target=delayed, psid=people, carrier=people, identity=identities, after=moments)
    def person_comes_back(
        self, psid: Psid, carrier: Psid, identity: Identity, after: timedelta
    ) -> Told:
        code = self._confirm(psid, identity)
        return AccountLinked(PAGE, carrier, self.at + after, code.text)

    @rule(target=told, event=consumes(delayed))
    def messenger_tells_late(self, event: Told) -> Told:
        return self._deliver(event)

    @rule(batch=st.lists(told, min_size=1, max_size=4))
    def messenger_repeats(self, batch: list[Told]) -> None:
        before = self._rows()
        for event in batch:
            self._deliver(event)
        assert before == self._rows()

    @rule(psid=people)
    def business_ends(self, psid: Psid) -> None:
        self.model.ended_by_us(psid, self.at, self.code_of.values())
        handlers.end_one(self.session, PAGE, psid, policy=POLICY, cause="operator", at=self.at)

    @rule(by=st.sampled_from([-5, 1, 20]))
    def time_passes(self, by: int) -> None:
        self.at += timedelta(minutes=by)

    @invariant()
    def what_stands_is_what_the_model_says(self) -> None:
        for psid, version in self.versions.items():
            identity = self.model.standing(psid)
            link = link_queries.find_link(self.session, PAGE, psid)
            assert (identity and user(identity)) == (link and link.user)
            row = self.session.get(Link, (PAGE, psid))
            self.versions[psid] = row.version if row else 0
            assert version <= self.versions[psid]

    def _confirm(self, psid: Psid, identity: Identity) -> Code:
        text = confirmed(self.session, psid=psid, as_=identity, at=self.at)
        self.code_of[text] = Code(text, psid, identity, self.at)
        return self.code_of[text]

    def _deliver(self, event: Told) -> Told:
        match event:
            case AccountLinked():
                self.model.linked(self.code_of[event.authorization_code], event, self.at)
                handlers.on_linked(self.session, event, policy=POLICY, at=self.at)
            case AccountUnlinked():
                self.model.unlinked(event, self.at)
                handlers.on_unlinked(self.session, event, policy=POLICY, at=self.at)
        return event

    def _rows(self) -> tuple[object, ...]:
        """Return all that a repeat must leave as it is."""
        tables = (LinkEvent, OutboxRow)
        counts = (self.session.scalar(select(func.count()).select_from(t)) for t in tables)
        rows = self.session.execute(select(Link.__table__).order_by(Link.psid)).all()
        return (*counts, *map(tuple, rows))


@pytest.mark.hypothesis
def test_every_history_on_sqlite_comes_to_what_the_model_says(sqlite_engine: Engine) -> None:
    """R35, R36."""
    _play(sqlite_engine, share=1)


@pytest.mark.hypothesis
def test_histories_on_postgresql_come_to_the_same(postgresql_engine: Engine) -> None:
    """R35, R36."""
    _play(postgresql_engine, share=5)


def _play(engine: Engine, *, share: int) -> None:
    """Play one in *share* of as many histories as the profile says."""
    profile = settings()
    # Typed for a class only; it calls what it is given.
    machine = cast("type[Histories]", partial(Histories, engine))
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=profile.max_examples // share, stateful_step_count=25),
    )

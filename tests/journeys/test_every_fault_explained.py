"""Each fault of the emulator, met by a person: their page, the log, and what is recorded.

A new fault without a row in `faults_met` fails here: whoever adds one decides what a
person meets, and under which event it is found.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.emulator.faults.table import FAULTS
from app.infra import clock
from app.infra.observability import logs
from app.infra.settings.database_url import database_url
from app.linking.conclusion import PATIENCE
from app.linking.statistics_models import Intake
from app.linking.timeline import timeline_of
from app.messenger.graph.client import GraphClient
from app.messenger.types import PageId
from app.services.container import Services
from app.setup.findings import Finding
from app.setup.meta_checks import check_meta
from app.web.current import EXTENSION
from tests.browsers import Answer
from tests.installation import PAGE
from tests.journeys.faults_met import DOCTORS_FIXES, FAULTS_MET
from tests.journeys.town import TOKEN, Town, Visit, town_on
from tests.web.attempt_events import events_under, reference_on

EVENTS: Final = ("kind", "subject", "code", "subcode")
NEUTRAL: Final = frozenset({"page_shown", "chat_code_sent"})
TOLD: Final = frozenset({"graph.failed", "request.refused"})


@dataclass
class Walk:
    """The pages that a person saw on the way to a link, in order, and the lines of the log."""

    seen: list[Answer] = field(default_factory=list)
    lines: list[structlog.typing.EventDict] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return reference_on(self.seen[-1])


@dataclass(frozen=True, slots=True)
class FaultyTown:
    """A town with a person for each fault, who tries to connect while it is on."""

    town: Town

    def walk(self, fault: str, *beside: str) -> Walk:
        """Let the person of *fault* try to connect while it is on, and those *beside* it."""
        town, services = self.town, self.town.services
        logs.configure(level="debug", form="json")
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
            town.emulator.reset()
            # What is concluded of an attempt depends on what else came since.
            services.delivery_counter.flush()
            services.write(lambda session: session.execute(delete(Intake)))
            town.expects_log_in()
            for each in (fault, *beside):
                town.emulator.faults.turn_on(each)
            # What was withheld from the people before is forgotten.
            town.app.extensions[EXTENSION] = replace(services, graph=_graph(services))
            with town.visit(fault) as visit:
                seen = list(_pages(visit))
        return Walk(seen, lines)

    def cause(self, walk: Walk) -> str:
        """Return the cause that `attempts show` names, once Messenger's event is overdue."""
        self.town.flush()
        later = clock.now() + PATIENCE + timedelta(minutes=1)

        def ask(session: Session) -> str:
            timeline = timeline_of(session, walk.reference, at=later)
            assert timeline is not None
            return timeline.conclusion.cause.slug

        return self.town.services.read(ask)

    def findings(self, fault: str) -> list[Finding]:
        """Return what `doctor` finds wrong at Meta while *fault* is on."""
        self.town.emulator.reset()
        self.town.expects_log_in()
        self.town.emulator.faults.turn_on(fault)
        found = check_meta(self.town.services.meta(), at=clock.now())
        return [one for one in found if one.verdict != "ok"]


def _pages(visit: Visit) -> Iterator[Answer]:
    person = visit.person
    yield visit.taps_log_in()
    if person.sees.status != 303:
        return
    home = urlsplit(person.sees.location).path
    yield person.follows()
    yield person.signs_in()
    if 'name="code"' not in person.sees.text:
        return
    visit.connects()
    yield person.opens(home)


@pytest.fixture(scope="module")
def town(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyTown]:
    path = tmp_path_factory.mktemp("town") / "threadlink.sqlite"
    shutil.copyfile(sqlite_template, path)
    with town_on(database_url(f"sqlite:///{path}"), tuple(FAULTS)) as town:
        yield FaultyTown(town)


def _graph(services: Services) -> dict[PageId, GraphClient]:
    settings = services.settings
    client = GraphClient(
        page_id=PAGE,
        token=TOKEN,
        app_secret=settings.app_secret,
        base_url=settings.graph_url,
    )
    return {PAGE: client}


def test_it_is_known_what_a_person_meets_by_each_fault() -> None:
    """Whoever adds a fault decides how it is found afterwards."""
    assert FAULTS.keys() == FAULTS_MET.keys()


@pytest.mark.parametrize("fault", FAULTS_MET)
def test_a_fault_is_recorded_under_the_reference_of_its_page(town: FaultyTown, fault: str) -> None:
    """Page, log, record and the cause that is concluded tell of the same thing, without a token."""
    met = FAULTS_MET[fault]
    walk = town.walk(fault, *met.beside)

    last = walk.seen[-1]
    rows = events_under(town.town.services, walk.reference)
    recorded = [tuple(row[name] for name in EVENTS) for row in rows if row["kind"] not in NEUTRAL]
    assert ([met.event, *met.more] if met.event else []) == recorded
    assert met.page in unescape(last.text)
    assert {"page_shown"} <= {row["kind"] for row in rows} or met.cause == "entry_incomplete"
    of_pages = [line for line in walk.lines if not _is_of_the_webhook(line)]
    assert {walk.reference} == {line.get("reference") for line in of_pages}
    if met.event and met.event[0] == "graph_failed":
        told = [line for line in of_pages if line["event"] in TOLD]
        assert [walk.reference] == [line["reference"] for line in told]
    assert TOKEN not in str(rows) + str(walk.lines)
    assert met.cause == town.cause(walk)
    if met.event and not met.again:
        assert_no_vain_advice(last)


@pytest.mark.parametrize("fault", DOCTORS_FIXES)
def test_doctor_names_the_fix_of_what_it_can_see(
    town: FaultyTown, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the Page's own checks: and waiting is no advice where it changes nothing."""
    monkeypatch.setattr("app.messenger.graph.transport._PAUSES_S", (0.0, 0.0))
    fix, met = DOCTORS_FIXES[fault], FAULTS_MET[fault]

    found = town.findings(fault)

    assert bool(fix) == any(fix in one.fix for one in found)
    assert bool(fix) == bool(found)
    assert all(one.fix for one in found)
    if not met.again:
        told = " ".join(f"{one.words} {one.fix}" for one in found)
        assert not re.search(r"try again|\bwait\b|then: threadlink doctor", told)


def _is_of_the_webhook(line: structlog.typing.EventDict) -> bool:
    """Return whether *line* is about a delivery, which has a reference only where it has a code."""
    return line.get("path") == "/webhook" or line["event"].startswith("link.")


def assert_no_vain_advice(answer: Answer) -> None:
    """Assert that a person is not told to try again what trying again cannot fix.

    Where the operator can, the last button proposes it, and no sentence.
    """
    sentences, _, buttons = answer.text.partition('<div class="stack">')
    assert "try again" not in sentences.lower()
    assert "on our side" in sentences or "try again" not in buttons.lower()

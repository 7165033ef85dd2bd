"""The name of the other side: what each outcome means in each mode of CONFIRM_IN_CHAT (R15, R17).

The phisher is Mallory, who has started to link in her own Messenger and sent the address to Jane.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import pytest
from flask import Flask
from sqlalchemy import text
from structlog.testing import capture_logs

from app.infra.observability import logs as structured_logs
from app.infra.observability import metrics
from app.services.container import Services
from app.web.current import EXTENSION
from tests.actors import Graph, log_in
from tests.browsers import Form
from tests.installation import BEN
from tests.web.attempt_events import obstacles_under
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

MALLORY: Final = BEN
BRAND: Final = "Harbour Coffee"
MODES: Final = ("always", "unnamed", "never")
# Throttled, since every other failure is asked for again after a pause.
NO_ANSWER: Final = (4, None)
WITHHELD: Final = (100, 2018247)
UNNAMED: Final = re.compile("we can’t name")


@dataclass(frozen=True, slots=True)
class Profile:
    """Mallory's profile, as Graph tells of it: by the profile itself and by conversations."""

    name: str = ""
    refusal: tuple[int, int | None] | None = None
    in_conversations: str | None = None
    conversations_refusal: tuple[int, int | None] | None = None


NAMED: Final = Profile("Mallory Fox")
NAMED_SECOND: Final = Profile(refusal=WITHHELD, in_conversations="Mallory Fox")
NAMED_AFTER_NO_ANSWER: Final = Profile(refusal=NO_ANSWER, in_conversations="Mallory Fox")
LIKE_BRAND: Final = Profile("H\u0430rb0ur  Coffee\u200b Team")
LIKE_BRAND_SECOND: Final = Profile(refusal=WITHHELD, in_conversations="HARBOUR COFFEE")
# By a code that is about this person: after a refused permission nobody is asked about.
HIDDEN: Final = Profile(refusal=WITHHELD, conversations_refusal=(10, 2018336))
NAMELESS: Final = Profile("")
PLACEHOLDER: Final = Profile(refusal=WITHHELD, in_conversations="Facebook user")
SLOW: Final = Profile(refusal=NO_ANSWER, conversations_refusal=(10, 2018336))
SLOW_SECOND: Final = Profile(refusal=WITHHELD, conversations_refusal=NO_ANSWER)

# Profile and mode, then: the page shows a name, warns of it, asks for a code.
CELLS: Final = [
    *((profile, "always", True, False, True) for profile in (NAMED, NAMED_SECOND)),
    *((profile, "unnamed", True, False, False) for profile in (NAMED, NAMED_SECOND)),
    *((profile, "never", True, False, False) for profile in (NAMED, NAMED_AFTER_NO_ANSWER)),
    *((profile, "always", True, True, True) for profile in (LIKE_BRAND, LIKE_BRAND_SECOND)),
    *((profile, "unnamed", True, True, True) for profile in (LIKE_BRAND, LIKE_BRAND_SECOND)),
    *((profile, "never", True, True, False) for profile in (LIKE_BRAND, LIKE_BRAND_SECOND)),
    *((profile, "always", False, False, True) for profile in (HIDDEN, PLACEHOLDER)),
    *((profile, "unnamed", False, False, True) for profile in (HIDDEN, NAMELESS, PLACEHOLDER)),
    *((profile, "never", False, False, False) for profile in (HIDDEN, NAMELESS, PLACEHOLDER)),
    *((profile, "always", False, False, True) for profile in (SLOW, SLOW_SECOND)),
    *((profile, "unnamed", False, False, True) for profile in (SLOW, SLOW_SECOND)),
    # The profile itself without an answer is a 503, of which there is a test below.
    (SLOW_SECOND, "never", False, False, False),
]


class Bring(Protocol):
    """Brings Jane to the sign-in page, by a log-in of Mallory's profile."""

    def __call__(self, mode: str, mallorys: Profile, psid: str = MALLORY) -> PageVisitor: ...


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def sets_mode(app: Flask, services: Services) -> Callable[[str], None]:
    """Return what lets the server of the brand ask for codes in one of the modes from now on."""

    def set_mode(mode: str) -> None:
        pages = tuple(
            replace(page, brand=replace(page.brand, name=BRAND)) for page in services.settings.pages
        )
        settings = replace(services.settings, pages=pages, confirm_in_chat=mode)
        app.extensions[EXTENSION] = replace(services, settings=settings)

    return set_mode


@pytest.fixture
def victim(app: Flask, sets_mode: Callable[[str], None], graph: Graph) -> Bring:
    def bring(mode: str, mallorys: Profile, psid: str = MALLORY) -> PageVisitor:
        login = log_in()
        graph.knows(login, psid, mallorys.name)
        for call, refusal in (
            ("profile_name", mallorys.refusal),
            ("conversations", mallorys.conversations_refusal),
        ):
            graph.refusals.pop(call, None)
            if refusal:
                graph.refusals[call] = refusal
        graph.conversations = None
        if mallorys.in_conversations is not None:
            graph.conversations = {psid: mallorys.in_conversations}
        sets_mode(mode)
        jane = PageVisitor(app)
        jane.taps_log_in(login)
        return jane

    return bring


def _question(person: PageVisitor) -> Form:
    """Return the form that connects."""
    (form,) = (form for form in person.sees.forms if "question" in form.fields)
    return form


def _asks_code(person: PageVisitor) -> bool:
    return 'name="code"' in person.sees.text


def _code(graph: Graph) -> str:
    """Return the code of the newest message, which was sent to Mallory's chat."""
    message = json.loads(graph.messages[-1])
    assert {"id": MALLORY} == message["recipient"]
    found = re.search(r"\d{3} \d{3}", message["message"]["text"])
    assert found
    return found[0]


@pytest.mark.parametrize(("mallorys", "mode", "is_named", "is_warned", "asks_code"), CELLS)
def test_each_outcome_in_each_mode(  # noqa: PLR0913 - the columns of the table
    victim: Bring,
    graph: Graph,
    stored: StoredRows,
    mallorys: Profile,
    mode: str,
    *,
    is_named: bool,
    is_warned: bool,
    asks_code: bool,
) -> None:
    """R15, R17: name, warning and code by the table of docs/security.md; no link without them."""
    jane = victim(mode, mallorys)

    jane.signs_in()

    assert 200 == jane.sees.status
    assert is_named != bool(UNNAMED.search(jane.reads)) or asks_code
    assert is_named == (stored.column("attempt", "messenger_name") is not None)
    assert is_warned == ("looks like ours" in jane.reads)
    assert asks_code == _asks_code(jane)
    assert asks_code == bool(graph.messages)
    assert "Facebook user" not in jane.reads
    jane.sends(_question(jane))
    assert asks_code == (422 == jane.sees.status)
    assert (not asks_code) == ("location" in jane.sees.headers)
    if asks_code:
        assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
        jane.sends(_question(jane), code=_code(graph))
    assert 303 == jane.sees.status


def test_without_an_answer_about_the_profile_never_shows_no_question(
    victim: Bring, stored: StoredRows, graph: Graph
) -> None:
    """R17: the name is then all that protects, so that the person has to try again."""
    jane = victim("never", SLOW)

    jane.signs_in()

    assert 503 == jane.sees.status
    assert 0 == stored.count("attempt", "psid IS NOT NULL OR signed_in_at IS NOT NULL")
    assert [] == graph.messages


@pytest.mark.parametrize("mode", MODES)
def test_the_drama_of_a_log_in_that_is_passed_on(
    victim: Bring, stored: StoredRows, graph: Graph, mode: str
) -> None:
    """R15, R17: twelve scenes, of four profiles and three victims; none gives a code away unseen.

    The victim cancels, presses Connect at once, or types what Mallory guesses. Whoever connects
    without a code from the chat has seen a page with Mallory's name, with the warning, or with the
    words that nobody knows whose profile it is.
    """
    scenes = 0
    for mallorys in (NAMED, LIKE_BRAND, HIDDEN, SLOW_SECOND):
        for guess in (None, "", "000000"):
            # A chat of its own for each scene: one gets no more than ten codes an hour.
            jane = victim(mode, mallorys, f"{int(MALLORY) + scenes}")
            jane.signs_in()
            shown, asks_code = jane.reads, _asks_code(jane)
            if guess is None:
                cancel = next(form for form in jane.sees.forms if form.action.endswith("/cancel"))
                jane.sends(cancel)
                assert "authorization_code" not in jane.sees.location
            else:
                jane.sends(_question(jane), code=guess)
                is_connected = "authorization_code" in jane.sees.headers.get("location", "")
                assert is_connected != asks_code
                assert not is_connected or re.search(
                    f"Mallory Fox|looks like ours|{UNNAMED.pattern}", shown
                )
            scenes += 1
    assert 12 == scenes
    connected = {"always": 0, "unnamed": 2, "never": 8}
    assert connected[mode] == stored.count("attempt", "code_hash IS NOT NULL")
    if mode == "never":
        assert [] == graph.messages


@pytest.mark.parametrize(
    ("shown", "now"), [("never", "unnamed"), ("never", "always"), ("always", "never")]
)
def test_connect_means_the_page_with_or_without_a_code(
    victim: Bring, sets_mode: Callable[[str], None], stored: StoredRows, shown: str, now: str
) -> None:
    """R13: CONFIRM_IN_CHAT was changed while the page was open; it is shown again as it is now."""
    jane = victim(shown, HIDDEN)
    jane.signs_in()
    form = _question(jane)
    sets_mode(now)

    jane.sends(form)

    assert 409 == jane.sees.status
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")


@pytest.mark.parametrize("changed", ["messenger_name = 'Jane Doe'", "name_outcome = 'named'"])
def test_connect_means_the_name_and_its_outcome(
    victim: Bring, services: Services, stored: StoredRows, changed: str
) -> None:
    """R13: a page that said one thing of the profile is no consent to another."""
    jane = victim("never", LIKE_BRAND)
    jane.signs_in()
    form = _question(jane)
    services.write(lambda session: session.execute(text(f"UPDATE attempt SET {changed}")))  # noqa: S608 - a test's own words

    jane.sends(form)

    assert 409 == jane.sees.status
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")


@pytest.mark.parametrize(
    ("mallorys", "outcome", "noted"),
    [
        (NAMED, "named", []),
        (
            NAMED_SECOND,
            "named",
            [("name_withheld", "profile_name"), ("name_found", "conversations")],
        ),
        (LIKE_BRAND, "like_brand", [("name_like_brand", "")]),
        (
            HIDDEN,
            "withheld",
            [("name_withheld", "profile_name"), ("name_withheld", "conversations")],
        ),
        (
            SLOW,
            "unavailable",
            [("name_unavailable", "profile_name"), ("name_withheld", "conversations")],
        ),
    ],
)
def test_what_came_of_the_name_is_kept_for_the_operator(  # noqa: PLR0913, PLR0917 - a row of the table
    victim: Bring,
    services: Services,
    stored: StoredRows,
    mallorys: Profile,
    outcome: str,
    noted: list[tuple[str, str]],
) -> None:
    """In the attempt, in its events, in the log and in the metrics; none of them has the name."""
    jane = victim("unnamed", mallorys)
    structured_logs.configure(level="info", form="json")

    with capture_logs() as logs:
        jane.signs_in()

    assert outcome == stored.column("attempt", "name_outcome")
    events = obstacles_under(services, stored.column("attempt", "reference"))
    assert noted == [event[:2] for event in events if event[0].startswith("name_")]
    told = [(line["event"], line.get("road")) for line in logs if "name" in line["event"]]
    words = {"name_withheld": "profile.name_withheld", "name_like_brand": "profile.name_like_brand"}
    assert [(words[kind], road or None) for kind, road in noted if kind in words] == told
    assert "Mallory" not in f"{logs}{events}"
    assert "rb0ur" not in f"{logs}{events}"


def test_names_are_counted_by_their_source(victim: Bring) -> None:
    before = _counts()
    for mallorys in (NAMED, NAMED_SECOND, HIDDEN, SLOW_SECOND, LIKE_BRAND):
        victim("unnamed", mallorys).signs_in()

    counted = {source: count - before.get(source, 0) for source, count in _counts().items()}

    assert {"profile": 2, "conversations": 1, "withheld": 1, "unavailable": 1} == counted


def _counts() -> dict[str, float]:
    """Return threadlink_names_total by its label."""
    found = re.findall(
        r'threadlink_names_total\{source="(\w+)"\} (\S+)', metrics.exposition(()).decode()
    )
    return {source: float(count) for source, count in found}

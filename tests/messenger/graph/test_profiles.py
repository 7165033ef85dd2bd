"""The two calls that ask Graph for a person's name: which name counts, and when neither is made."""

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from app.infra.network.http_client import Deadline
from app.messenger.errors import GraphError, GraphRefused, GraphThrottled, GraphUnavailable
from app.messenger.graph.answers import decipher
from app.messenger.graph.conversations import PATIENCE_S
from app.messenger.graph.conversations import PAUSE_S as PERMISSION_PAUSE_S
from app.messenger.graph.profiles import MOST_REFUSED, PAUSE_S, Profile, Profiles
from app.messenger.graph.transport import Call, GraphTransport
from app.messenger.types import PageId, Psid

PAGE = PageId("1717527131834678")
BEN = Psid("1256217357730577")
ANA = Psid("9956217357730578")
# What Graph answers: an object, code and subcode of a refusal, or an error of the way there.
Answer: TypeAlias = dict[str, Any] | tuple[int, int | None] | GraphError
WITHHELD = (100, 2018247)
NO_PERMISSION = (10, None)
BEN_BELL: dict[str, Any] = {"first_name": "Ben", "last_name": "Bell", "id": BEN}


@dataclass(frozen=True, kw_only=True)
class ScriptedGraph(GraphTransport):
    """Graph, as it answers each call by its name; it notes the calls and the time they had."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[Call, float]] = field(default_factory=list)

    def send(self, call: Call, *, deadline: Deadline | None = None) -> dict[str, Any]:
        self.asked.append((call, deadline.left_s() if deadline else 0.0))
        match self.answers[call.name]:
            case GraphError() as error:
                raise error
            case (code, subcode):
                refusal = {"message": "m", "code": code, "error_subcode": subcode}
                return decipher(400, json.dumps({"error": refusal}).encode(), call.name)
            case dict() as answer:
                return answer

    @property
    def calls(self) -> list[str]:
        return [call.name for call, _ in self.asked]


class Clock:
    """A clock that the test moves."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def graph() -> ScriptedGraph:
    answers: dict[str, Answer] = {"profile_name": WITHHELD, "conversations": thread(BEN, "Ben B.")}
    return ScriptedGraph(token="PAGE", answers=answers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def profiles(graph: ScriptedGraph, clock: Clock) -> Profiles:
    return Profiles(graph, PAGE, conversations_per_s=2.0, now=clock)


def thread(*participants: object) -> dict[str, Any]:
    """Return a conversation of the page with these: pairs of id and name, in turns."""
    pairs = zip(participants[::2], participants[1::2], strict=True)
    people = [{"id": psid, "name": name, "email": f"{psid}@facebook.com"} for psid, name in pairs]
    page = {"id": PAGE, "name": "Harbour Coffee", "email": f"{PAGE}@facebook.com"}
    return {"data": [{"participants": {"data": [*people, page]}, "id": "t_1"}]}


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ({"first_name": "Ana", "last_name": "Bell"}, "Ana Bell"),
        ({"first_name": "Ana"}, "Ana"),
        ({"last_name": "Bell"}, "Bell"),
        ({"first_name": "  Ana ", "last_name": "\tBell\n"}, "Ana Bell"),
        ({"first_name": "Ana\x00\x1b[31m", "last_name": "\r\nBell"}, "Ana [31m Bell"),
        ({"first_name": "娜", "last_name": "👩\u200d💻"}, "娜 👩\u200d💻"),
        ({"first_name": "A" * 99, "last_name": "Bell"}, "A" * 99),
    ],
    ids=repr,
)
def test_a_name_of_the_profile_is_enough(
    profiles: Profiles, graph: ScriptedGraph, profile: dict[str, Any], name: str
) -> None:
    """R17: there is nothing in it that a database cannot hold; and nothing more is asked."""
    graph.answers["profile_name"] = profile | {"id": BEN}

    assert Profile(name, None, "profile") == profiles.read(BEN)
    ((call, _),) = graph.asked
    assert f"/{BEN}" == call.path
    assert {"fields": "first_name,last_name,profile_pic"} == call.params


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"first_name": "", "last_name": ""},
        {"first_name": " ", "last_name": "\u3000"},
        {"first_name": "\u3164", "last_name": "\u200b"},
        {"first_name": None, "last_name": 1},
        {"first_name": ["Ana"]},
        {"first_name": "Facebook", "last_name": "User"},
    ],
    ids=repr,
)
def test_a_profile_without_a_visible_name_names_nobody(
    profiles: Profiles, graph: ScriptedGraph, profile: dict[str, Any]
) -> None:
    """R17: never an empty name, nor a placeholder; the conversations are asked for one."""
    graph.answers["profile_name"] = {**profile, "profile_pic": "https://cdn.example/1.jpg"}

    read = profiles.read(BEN)

    assert ("Ben B.", "conversations") == (read.name, read.source)
    assert "https://cdn.example/1.jpg" == read.picture_url


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://cdn.example/1.jpg", "https://cdn.example/1.jpg"),
        (f"https://cdn.example/{'a' * 2049}", None),
        ("https://cdn.example/\n", None),
        ("", None),
        (7, None),
        (None, None),
    ],
    ids=str,
)
def test_a_picture_is_an_address_in_one_line_or_none(
    profiles: Profiles, graph: ScriptedGraph, address: object, kept: str | None
) -> None:
    graph.answers["profile_name"] = BEN_BELL | {"profile_pic": address}

    profile = profiles.read(BEN)

    assert Profile("Ben Bell", kept, "profile") == profile
    assert "cdn.example" not in repr(profile)


@pytest.mark.parametrize(
    ("code", "subcode"),
    [(100, 33), (100, 2018001), (100, 2018218), (2018218, None), (2018247, None), (200, None)],
)
def test_conversations_name_a_person_whose_profile_is_withheld(
    profiles: Profiles, graph: ScriptedGraph, code: int, subcode: int | None
) -> None:
    """R17: by the parameters that Meta documents, and in a time of their own."""
    graph.answers["profile_name"] = (code, subcode)

    read = profiles.read(BEN, deadline=Deadline(4.0))

    assert ("Ben B.", "conversations") == (read.name, read.source)
    assert [True] == [miss.is_withheld for miss in read.missed]
    call, left_s = graph.asked[-1]
    assert f"/{PAGE}/conversations" == call.path
    wanted = {"platform": "messenger", "user_id": BEN, "fields": "participants", "limit": "1"}
    assert wanted == call.params
    assert not call.may_repeat
    assert left_s <= PATIENCE_S


@pytest.mark.parametrize(
    "answer",
    [
        thread(),
        thread(ANA, "Ana Berg"),
        thread(None, "Ben Bell"),
        thread("", "Ben Bell"),
        thread(int(BEN), "Ben Bell"),
        thread(f"{BEN} ", "Ben Bell"),
        {"data": [{"participants": {"data": [{"name": "Ben Bell"}]}}]},
        {"data": [{"participants": {"data": [{"id": BEN}, "Ben Bell", None]}}]},
        {"data": [{"participants": {"data": [{"id": BEN, "name": ["Ben Bell"]}]}}]},
        {"data": [{"participants": [{"id": BEN, "name": "Ben Bell"}]}]},
        {"data": [{}, *thread(BEN, "Ben Bell")["data"]]},
        {"data": {"id": BEN, "name": "Ben Bell"}},
        {"data": []},
        {},
        thread(BEN, ""),
        thread(BEN, "\u3164 \u200b"),
        thread(BEN, "Facebook user"),
        thread(BEN, "FACEBOOK  USER\u200b"),
        thread(BEN, "Messenger user"),
    ],
    ids=repr,
)
def test_only_the_participant_with_the_persons_id_is_the_person(
    profiles: Profiles, graph: ScriptedGraph, answer: dict[str, Any]
) -> None:
    """R17: never "the other one", never a name without an id, never Meta's placeholder."""
    graph.answers["conversations"] = answer

    read = profiles.read(BEN)

    assert (None, "withheld", None) == (read.name, read.source, read.failure)
    assert ["profile_name", "conversations"] == [miss.road for miss in read.missed]


@pytest.mark.parametrize("code", [100, 190])
def test_a_refusal_of_our_own_is_an_error(
    profiles: Profiles, graph: ScriptedGraph, code: int
) -> None:
    """R16: what is wrong with us is not the person's namelessness."""
    graph.answers["profile_name"] = (code, None)

    with pytest.raises(GraphRefused):
        profiles.read(BEN)
    assert ["profile_name"] == graph.calls


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (NO_PERMISSION, "withheld"),
        ((200, None), "withheld"),
        ((230, None), "withheld"),
        ((10, 2018336), "withheld"),
        ((100, None), "withheld"),
        ((190, None), "withheld"),
        ((4, None), "unavailable"),
        ((32, None), "unavailable"),
        ((613, None), "unavailable"),
        (GraphUnavailable("ReadTimeout"), "unavailable"),
    ],
    ids=str,
)
def test_conversations_that_name_nobody_are_no_error(
    profiles: Profiles, graph: ScriptedGraph, answer: Answer, source: str
) -> None:
    """R17: the person has a page; what it asks of them is for CONFIRM_IN_CHAT to say."""
    graph.answers["conversations"] = answer

    read = profiles.read(BEN)

    assert (None, source, None) == (read.name, read.source, read.failure)


@pytest.mark.parametrize("failure", [GraphUnavailable("ReadTimeout"), GraphThrottled("slow down")])
def test_a_profile_without_an_answer_is_told_apart(
    profiles: Profiles, graph: ScriptedGraph, failure: GraphError
) -> None:
    """R17: nobody has said that the name is withheld, whatever the conversations say."""
    graph.answers.update(profile_name=failure, conversations=NO_PERMISSION)

    read = profiles.read(BEN)

    assert (None, "unavailable", failure) == (read.name, read.source, read.failure)


def test_conversations_name_a_person_whose_profile_had_no_answer(
    profiles: Profiles, graph: ScriptedGraph
) -> None:
    graph.answers["profile_name"] = GraphUnavailable("ReadTimeout")

    read = profiles.read(BEN)

    assert ("Ben B.", "conversations", None) == (read.name, read.source, read.failure)


def test_without_a_second_left_conversations_are_not_asked(
    profiles: Profiles, graph: ScriptedGraph
) -> None:
    """R103: both calls share the deadline of the request."""
    read = profiles.read(BEN, deadline=Deadline(0.9))

    assert ["profile_name"] == graph.calls
    assert (None, "unavailable") == (read.name, read.source)


def test_conversations_have_no_more_time_than_is_left(
    profiles: Profiles, graph: ScriptedGraph
) -> None:
    """R103: of the 1.5 seconds of their own only what the request has left."""
    profiles.read(BEN, deadline=Deadline(1.2))

    (_, left_s) = graph.asked[-1]
    assert left_s <= 1.2


def test_a_process_makes_no_more_calls_than_its_share(graph: ScriptedGraph, clock: Clock) -> None:
    """Meta allows two calls a second for each page, which four processes divide."""
    profiles = Profiles(graph, PAGE, conversations_per_s=2.0 / 4, now=clock)
    sources = []
    for _ in range(40):
        sources.append(profiles.read(BEN).source)
        clock.now_s += 0.25

    assert 5 == sources.count("conversations")
    assert 35 == sources.count("unavailable")
    assert 5 == graph.calls.count("conversations")


def test_two_hundred_people_a_hundred_seconds_are_all_named(
    profiles: Profiles, graph: ScriptedGraph, clock: Clock
) -> None:
    """Of 200 withheld profiles none is left unnamed where the conversations may be read."""
    unnamed = 0
    for number in range(200):
        psid = Psid(f"{10**15 + number}")
        graph.answers["conversations"] = thread(psid, f"Person {number}")
        unnamed += profiles.read(psid).name != f"Person {number}"
        clock.now_s += 0.5

    assert 0 == unnamed


def test_a_refused_permission_is_not_asked_for_again_within_the_hour(
    profiles: Profiles, graph: ScriptedGraph, clock: Clock
) -> None:
    graph.answers["conversations"] = NO_PERMISSION
    first = profiles.read(BEN)
    graph.answers["conversations"] = thread(BEN, "Ben B.")
    clock.now_s += PERMISSION_PAUSE_S - 1

    again = profiles.read(BEN)

    assert 1 == graph.calls.count("conversations")
    assert ["withheld", "withheld"] == [first.source, again.source]
    assert [False, True] == [read.missed[1].was_skipped for read in (first, again)]
    clock.now_s += 2
    assert "Ben B." == profiles.read(BEN).name


@pytest.mark.parametrize("refusal", [(10, 2018336), (100, 2018001), (551, None)])
def test_a_refusal_of_one_person_is_no_refused_permission(
    profiles: Profiles, graph: ScriptedGraph, clock: Clock, refusal: tuple[int, int]
) -> None:
    """One person whom Graph refuses takes nobody else's name away."""
    graph.answers["conversations"] = refusal
    profiles.read(BEN)
    clock.now_s += 1
    graph.answers["conversations"] = thread(ANA, "Ana Berg")

    assert "Ana Berg" == profiles.read(ANA).name


def test_profiles_are_not_asked_for_after_refusals_in_a_row(
    profiles: Profiles, graph: ScriptedGraph, clock: Clock
) -> None:
    """Three people's; after ten minutes one refusal is enough for the next pause."""
    for number in range(MOST_REFUSED + 2):
        profiles.read(Psid(f"{10**15 + number}"))
    assert MOST_REFUSED == graph.calls.count("profile_name")
    clock.now_s += PAUSE_S + 1

    for number in range(MOST_REFUSED):
        profiles.read(Psid(f"{10**15 + number}"))

    assert MOST_REFUSED + 1 == graph.calls.count("profile_name")
    clock.now_s += PAUSE_S + 1
    graph.answers["profile_name"] = BEN_BELL
    assert "Ben Bell" == profiles.read(BEN).name


def test_one_person_who_hides_a_profile_hides_nobody_elses(
    profiles: Profiles, graph: ScriptedGraph
) -> None:
    """A phisher with one Messenger profile does not turn the names off for everybody."""
    for _ in range(MOST_REFUSED * 2):
        profiles.read(BEN)
    graph.answers["profile_name"] = BEN_BELL

    assert "Ben Bell" == profiles.read(ANA).name


def test_a_profile_that_is_shown_ends_the_row_of_refusals(
    profiles: Profiles, graph: ScriptedGraph
) -> None:
    for number in range(MOST_REFUSED * 2):
        graph.answers["profile_name"] = BEN_BELL if number % 2 else WITHHELD
        profiles.read(Psid(f"{10**15 + number}"))

    assert MOST_REFUSED * 2 == graph.calls.count("profile_name")

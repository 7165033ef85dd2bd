"""Every failed sign-in costs one verification, and reads the same (R59, R60)."""

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

import bcrypt
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import local
from app.accounts.authenticators import CredentialsRefused
from app.accounts.local_authenticator import LocalAuthenticator
from app.accounts.passwords import Hasher
from app.accounts.sign_in_methods import SignInMethods
from app.services.container import Services
from tests.actors import Graph, log_in
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, USERNAME
from tests.web.page_visitor import PageVisitor, without_time_left

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

GONE, OLD = "gone@example.com", "old@example.com"

# Every way to be wrong that a stranger has.
ROADS = {
    "wrong password": (USERNAME, "wrong"),
    "no such name": ("nobody@example.com", PASSWORD),
    "disabled, right password": (GONE, PASSWORD),
    "disabled, wrong password": (GONE, "wrong"),
    "kept in another system's hash": (OLD, "wrong"),
    "no name": ("", PASSWORD),
    "no password": (USERNAME, ""),
    "neither": ("", ""),
    "common password": (USERNAME, "password"),
    "password of 256": (USERNAME, "x" * 256),
    "overlong password": (USERNAME, "x" * 4_000),
    "right password, and more": (USERNAME, PASSWORD + "x" * 257),
    "overlong name": ("x" * 4_000, PASSWORD),
    "NUL in the name": ("jane\0@example.com", PASSWORD),
    "NUL in the password": (USERNAME, f"{PASSWORD}\0"),
    "no characters": ("\ufffd", "\ufffd"),
    "a formula of SQL": ("' OR 1=1 --", "' OR 1=1 --"),
}


@dataclass
class Work:
    """Counts of passwords that were verified and hashed."""

    verified: int = 0
    hashed: int = 0


@dataclass(frozen=True, slots=True)
class Counting(Hasher):
    """The real hasher, which notes what it does."""

    work: Work = field(default_factory=Work)

    def hash(self, password: str) -> str:
        self.work.hashed += 1
        return Hasher.hash(self, password)

    def matches(self, kept: str, password: str) -> bool:
        self.work.verified += 1
        return Hasher.matches(self, kept, password)


@pytest.fixture
def hasher() -> Counting:
    return Counting()


@pytest.fixture
def counted(services: Services, hasher: Counting) -> Services:
    authenticator = LocalAuthenticator(read=services.read, write=services.write, hasher=hasher)
    # What it makes for names that no account stands behind is made at the first of all.
    with suppress(CredentialsRefused):
        authenticator.verify("anybody", "wrong")
    hasher.work.verified = hasher.work.hashed = 0
    return replace(services, sign_in_methods={PAGE: SignInMethods(authenticator, ())})


@pytest.fixture
def site(counted: Services, services: Services, jane: str) -> Flask:
    assert jane
    services.write(local.add, GONE, None, services.hasher.hash(PASSWORD), at=NOON)
    services.write(local.disable, GONE, at=NOON)
    foreign = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    services.write(local.add, OLD, None, foreign, at=NOON)
    return create_app(counted)


@dataclass(frozen=True, slots=True)
class Said:
    """All that whoever signs in gets to see, but for what is the attempt's own."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def says(site: Flask, graph: Graph, username: str, password: str, psid: str = ANA) -> Said:
    login = log_in()
    graph.knows(login, psid)
    person = PageVisitor(site)
    person.taps_log_in(login)
    form = person.sees.form("Log in")
    answer = person.sends(form, username=username, password=password)
    body = answer.text
    attempt_id = form.action.rpartition("/")[2]
    field_ = body.split('name="username"')
    if len(field_) > 1:
        # What was typed comes back; that is no word of ours.
        body = field_[0] + field_[1].partition(">")[2]
    reference = body.partition('Reference <bdi dir="ltr">')[2].partition("<")[0]
    body = without_time_left(body)
    for own in filter(None, (attempt_id, form.fields["form_token"], reference)):
        body = body.replace(own, "")
    headers = ((n, v) for n, v in answer.headers.items() if n != "content-length")
    return Said(answer.status, tuple(sorted(headers)), body)


@pytest.mark.parametrize("road", ROADS)
def test_one_verification_and_one_answer_on_every_road(
    site: Flask, graph: Graph, hasher: Counting, road: str
) -> None:
    """R59, R60: not one more, not one less, no new hash, and byte for byte the same."""
    username, password = ROADS[road]
    # The page shows what was typed, and where nothing was, that field waits for it.
    plain = says(site, graph, username and USERNAME, "wrong")
    hasher.work.verified = 0

    answer = says(site, graph, username, password, psid=BEN)

    assert (1, 0) == (hasher.work.verified, hasher.work.hashed)
    assert plain == answer
    assert 422 == answer.status


@pytest.fixture
def second_road(counted: Services, site: Flask) -> Flask:  # noqa: ARG001 - its accounts
    """Return the pages on which people sign in without Messenger, with the same accounts."""
    invitations = replace(counted.settings.invitations, enabled=True, connect_page=True)
    settings = replace(counted.settings, invitations=invitations, connections_page=True)
    return create_app(replace(counted, settings=settings))


def says_at(door: str, site: Flask, username: str, password: str) -> Said:
    """Return what a browser is told that signs in at *door*, less what is the session's own."""
    person = PageVisitor(site)
    person.opens(door)
    person.follows()
    form = person.sees.form("Log in")
    answer = person.sends(form, username=username, password=password)
    before, typed, after = answer.text.partition('name="username"')
    body = without_time_left(before + typed + after.partition(">")[2])
    for own in (form.action.split("/")[2], form.fields["form_token"]):
        body = body.replace(own, "")
    headers = ((n, v) for n, v in answer.headers.items() if n != "content-length")
    return Said(answer.status, tuple(sorted(headers)), body)


DOORS = pytest.mark.parametrize("door", ["/connect", "/connections"])


@DOORS
def test_the_doors_of_the_second_road_cost_and_say_the_same_on_every_road(
    second_road: Flask, services: Services, hasher: Counting, door: str
) -> None:
    """R59, R60: one verification, no new hash, and byte for byte the same answer."""
    told = set()
    for username, password in ROADS.values():
        services.write(_forget_the_tries)
        hasher.work.verified = 0
        said = says_at(door, second_road, username, password)
        assert (1, 0) == (hasher.work.verified, hasher.work.hashed), (username, password)
        # Where nothing was typed as the name, that field waits for it.
        told.add((not username, said))

    assert [False, True] == sorted(is_empty for is_empty, _ in told)
    assert {422} == {said.status for _, said in told}


@DOORS
@pytest.mark.parametrize("username", [USERNAME, "nobody@example.com"])
def test_a_throttled_try_at_the_doors_costs_no_verification(
    second_road: Flask, hasher: Counting, door: str, username: str
) -> None:
    """R59, R61: five tries of one name from one network are counted over both doors."""
    for at in ("/connect", "/connections", door, door, door):
        says_at(at, second_road, username, "wrong")
    hasher.work.verified = 0

    wrong, right = (says_at(door, second_road, username, typed) for typed in ("wrong", PASSWORD))

    assert 0 == hasher.work.verified
    assert wrong.status == right.status == 429
    assert wrong.body == right.body
    assert _without_wait(wrong) == _without_wait(right)


def _forget_the_tries(session: Session) -> None:
    session.execute(text("DELETE FROM throttle"))


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("username", [USERNAME, GONE, OLD, "nobody@example.com"])
def test_the_first_sign_in_of_a_process_costs_the_same_whosever_it_is(
    services: Services, hasher: Counting, username: str
) -> None:
    """R59: what is made for names that nobody has is not made only for those."""
    first = LocalAuthenticator(read=services.read, write=services.write, hasher=hasher)

    with pytest.raises(CredentialsRefused):
        first.verify(username, "wrong")

    assert (1, 1) == (hasher.work.verified, hasher.work.hashed)


@pytest.mark.parametrize("username", [USERNAME, GONE, OLD, "nobody@example.com"])
def test_a_throttled_try_tells_no_more_and_costs_no_verification(
    site: Flask, graph: Graph, hasher: Counting, username: str
) -> None:
    """R59, R61: known or not, right or wrong, after five tries all are told the same."""
    for _ in range(5):
        says(site, graph, username, "wrong")
    hasher.work.verified = 0

    wrong, right = (says(site, graph, username, typed) for typed in ("wrong", PASSWORD))

    assert 0 == hasher.work.verified
    assert wrong.status == right.status == 429
    assert wrong.body == right.body
    assert _without_wait(wrong) == _without_wait(right)
    assert "Too many attempts." in wrong.body


def test_a_full_house_turns_everybody_away_alike(
    site: Flask, counted: Services, graph: Graph, hasher: Counting
) -> None:
    """R54, R59: known or not, before anything is looked at, and the try is not counted."""
    with _full(counted):
        answers = {says(site, graph, name, PASSWORD) for name in (USERNAME, GONE, "nobody")}

    assert [503] == [answer.status for answer in answers]
    assert 0 == hasher.work.verified


def _full(services: Services) -> ExitStack:
    stack = ExitStack()
    for _ in range(services.admission.admitted):
        stack.enter_context(services.admission.enter())
    return stack


def _without_wait(said: Said) -> list[tuple[str, str]]:
    return [(name, value) for name, value in said.headers if name != "retry-after"]

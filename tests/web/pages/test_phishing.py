"""The whole drama of a log-in that is passed on: two browsers, two profiles (R13 to R21).

Mallory starts linking in her own Messenger and sends the address to Ana, who has an account.
"""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from app import create_app
from app.accounts import local
from app.infra import clock
from app.linking.handlers import on_linked
from app.linking.values import Made
from app.messenger.events import AccountLinked
from app.services.container import Services, build
from tests.actors import Graph, LogIn, Messenger, linked, log_in
from tests.installation import ANA, BEN, NOON, PAGE, PASSWORD, USERNAME, settings_for
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("jane"),
]

MALLORY = BEN
Newcomer = Callable[[], PageVisitor]


@pytest.fixture
def newcomer(app: Flask) -> Newcomer:
    """Return what brings somebody with a browser that has never been here."""
    return lambda: PageVisitor(app)


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


@pytest.fixture
def bait(graph: Graph) -> LogIn:
    """Return the log-in that Mallory has started and passes on."""
    login = log_in()
    graph.knows(login, MALLORY, "Mallory Fox")
    return login


def test_a_victim_is_shown_whose_messenger_it_is(newcomer: Newcomer, bait: LogIn) -> None:
    """R15: both sides are named, and the words say what a link that was sent means."""
    victim = newcomer()
    victim.taps_log_in(bait)

    victim.signs_in()

    assert "Messenger profile Mallory Fox will be connected to" in victim.reads
    assert "j•••@example.com" in victim.reads
    warning = "If someone sent you this link, cancel."
    assert warning in victim.reads
    assert USERNAME not in victim.sees.text
    assert MALLORY not in victim.sees.text


def test_a_victim_who_cancels_gives_nothing_away(
    newcomer: Newcomer, bait: LogIn, stored: StoredRows
) -> None:
    """R13: no code is made, and the way back carries none."""
    victim = newcomer()
    victim.taps_log_in(bait)
    victim.signs_in()

    victim.presses("Cancel")

    assert bait.redirect_uri == victim.sees.location
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    assert 0 == stored.count("link")
    assert stored.column("attempt", "messenger_name") is None


def test_looking_at_the_question_makes_no_code(
    newcomer: Newcomer, bait: LogIn, stored: StoredRows
) -> None:
    """R13: only the button does; the page has no script of its own and refreshes nowhere."""
    victim = newcomer()
    victim.taps_log_in(bait)
    victim.signs_in()

    for _ in range(3):
        victim.opens(victim.sees.form("Connect").action)

    assert 0 == stored.count("attempt", "code_hash IS NOT NULL")
    assert "http-equiv" not in victim.sees.text
    assert [] == re.findall(r"<script(?![^>]*src=)", victim.sees.text)


def test_forms_copied_into_another_browser_do_nothing(
    newcomer: Newcomer, bait: LogIn, stored: StoredRows
) -> None:
    """R19: the victim's page, word for word, in the attacker's browser."""
    victim, mallory = newcomer(), newcomer()
    victim.taps_log_in(bait)
    victim.signs_in()
    mallory.taps_log_in(bait)

    for button in ("Connect", "Cancel", "Use a different account"):
        answer = mallory.sends(victim.sees.form(button))

        assert 400 == answer.status
        assert "location" not in answer.headers
        assert "Mallory" not in answer.text
        assert "set-cookie" not in answer.headers
    assert 0 == stored.count("attempt", "code_hash IS NOT NULL OR ended_at IS NOT NULL")
    assert 1 == stored.count("attempt", "signed_in_at IS NOT NULL")


def test_a_form_of_one_attempt_is_no_good_for_another(newcomer: Newcomer, graph: Graph) -> None:
    """R27, R77: the token in the form belongs to one attempt, also within one browser."""
    first, second = log_in(), log_in()
    graph.knows(first, ANA)
    graph.knows(second, MALLORY, "Mallory Fox")
    victim = newcomer()
    victim.taps_log_in(first)
    victim.signs_in()
    mine = victim.sees.form("Connect")
    victim.taps_log_in(second)
    victim.signs_in()
    theirs = victim.sees.form("Connect")

    answer = victim.browser("POST", theirs.action, body=mine.fields)

    assert 400 == answer.status
    assert "This page is out of date. Try again." in answer.text
    assert "location" not in answer.headers


def test_a_cookie_of_one_attempt_does_not_open_another(newcomer: Newcomer, app: Flask) -> None:
    """R19: the cookie is signed for its own attempt, under whatever name it is sent."""
    mine, theirs = newcomer(), newcomer()
    mine.taps_log_in(log_in())
    theirs.opens(log_in().address())
    name, _, rest = theirs.sees.headers["set-cookie"].partition("=")
    value = rest.partition(";")[0]
    my_path = mine.sees.form("Log in").action
    my_name = f"attempt-{my_path.rpartition('/')[2]}"

    forger = PageVisitor(app, keeps_cookies=False).browser
    forged = forger("GET", my_path, headers={"Cookie": f"{my_name}={value}"})
    true = forger("GET", theirs.sees.location, headers={"Cookie": f"{name}={value}"})

    assert 400 == forged.status
    assert "Log in" not in forged.text
    assert 200 == true.status


def test_a_token_passed_on_is_spent_by_who_confirms_first(
    newcomer: Newcomer, bait: LogIn, stored: StoredRows
) -> None:
    """R20: every later attempt with it ends, whatever it had reached."""
    victim, mallory = newcomer(), newcomer()
    for one in (victim, mallory):
        one.taps_log_in(bait)
        one.signs_in()
    victim.connects()

    mallory.presses("Connect")

    assert 409 == mallory.sees.status
    assert "This link was already used" in mallory.reads
    assert "location" not in mallory.sees.headers
    assert 1 == stored.count("attempt", "code_hash IS NOT NULL")


def test_a_double_click_gets_the_same_code(newcomer: Newcomer, bait: LogIn) -> None:
    """R20: and so does a repeat after an answer that was lost."""
    victim = newcomer()
    victim.taps_log_in(bait)
    victim.signs_in()
    form = victim.sees.form("Connect")

    locations = {victim.sends(form).location for _ in range(3)}

    assert 1 == len(locations)


def test_the_same_code_after_the_secret_key_was_changed(
    newcomer: Newcomer, services: Services, bait: LogIn
) -> None:
    """R20, R71: a rotation between the two clicks does no harm to either the code or the form."""
    victim = newcomer()
    victim.taps_log_in(bait)
    signed_in = victim.presses("Log in", username=USERNAME, password=PASSWORD)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    victim.follows()
    form = victim.sees.form("Connect")
    before = victim.sends(form).location
    old = services.settings
    changed = {
        "SECRET_KEY": "another-secret-key-of-these-tests-Wq7",
        "SECRET_KEY_FALLBACKS": old.secret_key,
    }
    rotated = build(settings_for(old.database_url, **changed))

    after = PageVisitor(create_app(rotated), keeps_cookies=False).sends(
        form, headers={"Cookie": cookie}
    )

    rotated.engine.dispose()
    assert before == after.location


def test_a_link_that_was_opened_twice_says_so(
    newcomer: Newcomer, bait: LogIn, services: Services
) -> None:
    """R21: the business hears that the log-in was opened in another place, too."""
    victim, mallory = newcomer(), newcomer()
    mallory.taps_log_in(bait)
    victim.taps_log_in(bait)
    victim.signs_in()
    code = victim.connects()

    event = AccountLinked(PAGE, MALLORY, clock.now(), code)
    made = services.write(on_linked, event, policy=services.policy, at=clock.now())

    assert isinstance(made, Made)
    assert made.also_opened_elsewhere


def test_a_link_that_was_opened_once_says_nothing_of_it(
    newcomer: Newcomer, bait: LogIn, services: Services
) -> None:
    """R21: nor does who opens it when it is too late to matter."""
    person, late = newcomer(), newcomer()
    person.taps_log_in(bait)
    person.signs_in()
    code = person.connects()
    late.taps_log_in(bait)

    event = AccountLinked(PAGE, MALLORY, clock.now(), code)
    made = services.write(on_linked, event, policy=services.policy, at=clock.now())

    assert isinstance(made, Made)
    assert not made.also_opened_elsewhere


def test_signing_in_once_opens_no_second_attempt(newcomer: Newcomer, graph: Graph) -> None:
    """R18: there is no standing sign-in that a later link could abuse."""
    first, second = log_in(), log_in()
    graph.knows(first, ANA)
    victim = newcomer()
    victim.taps_log_in(first)
    victim.signs_in()
    victim.connects()

    victim.taps_log_in(second)

    assert "Log in" in victim.reads
    assert "Connect" not in victim.reads


def test_an_attacker_cannot_sign_a_victim_in(
    newcomer: Newcomer, bait: LogIn, stored: StoredRows
) -> None:
    """R27: a form on another site posts the attacker's own credentials into the attempt."""
    victim = newcomer()
    victim.taps_log_in(bait)
    form = victim.sees.form("Log in")

    answer = victim.sends(
        form,
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        username=USERNAME,
        password=PASSWORD,
    )

    assert 400 == answer.status
    assert 0 == stored.count("attempt", "signed_in_at IS NOT NULL OR psid IS NOT NULL")


def test_the_wrong_account_can_be_left(newcomer: Newcomer, bait: LogIn, stored: StoredRows) -> None:
    victim = newcomer()
    victim.taps_log_in(bait)
    victim.signs_in()

    victim.presses("Use a different account")
    victim.follows()

    assert "Log in" in victim.reads
    assert 0 == stored.count("attempt", "subject IS NOT NULL OR display_name IS NOT NULL")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202egreB anA", "greB anA will be"),
        ("<script>alert(1)</script>", "<script>alert(1)</script> will be"),
        ("Ana\u2066\u200b Berg", "Ana Berg will be"),
        (f"Zoe{chr(0x301) * 50}", f"Zoe{chr(0x301) * 3} will be"),
        ("\u3164\u2800", "Connect a profile we can’t name?"),
        ("", "Connect a profile we can’t name?"),
    ],
)
def test_a_chosen_name_cannot_bend_the_question(
    newcomer: Newcomer, graph: Graph, name: str, shown: str
) -> None:
    """R17, R82: what is not seen is gone, what is markup is text, and nobody has an empty name."""
    login = log_in()
    graph.knows(login, MALLORY, name)
    victim = newcomer()
    victim.taps_log_in(login)

    victim.signs_in()

    assert shown in victim.reads
    assert "<script>" not in victim.sees.text
    assert MALLORY not in victim.sees.text


def test_an_account_that_would_lose_its_link_is_not_named(
    newcomer: Newcomer, graph: Graph, services: Services, messenger: Messenger
) -> None:
    """R26: the question says that another account is disconnected, never which."""
    _connect(newcomer(), graph, messenger)
    password_hash = services.hasher.hash(PASSWORD)
    services.write(local.add, "rosa@example.org", None, password_hash, at=NOON)
    again = log_in()
    graph.knows(again, ANA)
    person = newcomer()
    person.taps_log_in(again)

    person.signs_in("rosa@example.org")

    assert "This profile is connected to another account. Connecting will end that." in person.reads
    assert "example.com" not in person.sees.text


def test_more_links_than_allowed_are_refused_when_confirming(
    newcomer: Newcomer, graph: Graph, messenger: Messenger, stored: StoredRows
) -> None:
    """R26: in words, on the page; never later, where nobody would hear of it."""
    for number in range(5):
        _connect(newcomer(), graph, messenger, psid=f"90000000000000{number}")
    sixth = log_in()
    graph.knows(sixth, ANA)
    person = newcomer()
    person.taps_log_in(sixth)
    person.signs_in()

    person.presses("Connect")

    assert 409 == person.sees.status
    assert "connected to 5 Messenger profiles, the most allowed." in person.reads
    assert "location" not in person.sees.headers
    assert 5 == stored.count("attempt", "code_hash IS NOT NULL")


def _connect(person: PageVisitor, graph: Graph, messenger: Messenger, psid: str = ANA) -> None:
    login = log_in()
    graph.knows(login, psid)
    person.taps_log_in(login)
    person.signs_in()
    messenger.tells(linked(psid, person.connects(), clock.now()))

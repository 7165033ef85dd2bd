"""The owner of a built-in account changes its password, and a first password is changed at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.accounts import first_passwords, local, rate_limiter
from app.accounts.authenticators import CredentialsRefused, PasswordExpired
from app.accounts.identity import Identity
from app.accounts.models import Account
from app.infra import clock
from app.infra.settings.settings import Settings
from app.infra.sorted_hashes import SortedHashes
from app.linking import account_changes, flow
from app.linking.attempt_status import status_of
from app.linking.models import Attempt
from app.services.container import Services, build
from tests.actors import Graph, log_in
from tests.browsers import Form
from tests.cli.terminal import Operator
from tests.installation import ANA, BEN, PAGE, PASSWORD, USERNAME
from tests.linking.factories import confirmed, opened, signed_in, successor
from tests.web.page_visitor import PageVisitor

CHOSEN: Final = "seven herons, one umbrella"
# Where other tests look for it: a password that was set by an operator.
GIVEN: Final = "three lanterns by the ferry"
CHANGE: Final = "Change password"
LINK: Final = "Change your password"


@pytest.fixture
def given(services: Services) -> str:
    """Add the account of USERNAME with a password that its owner has not chosen."""
    hashed = services.hasher.hash(GIVEN)
    return services.write(local.add, USERNAME, None, hashed, is_first=True, at=clock.now())


def newcomer(app: Flask, graph: Graph, psid: str = ANA) -> PageVisitor:
    """Return a person in front of the sign-in page."""
    login = log_in()
    graph.knows(login, psid)
    person = PageVisitor(app)
    person.taps_log_in(login)
    return person


def at_the_password(person: PageVisitor) -> PageVisitor:
    """Bring a person, who has signed in, to the page by its link."""
    (address,) = {form.action for form in person.sees.forms if form.action.endswith("/confirm")}
    person.opens(address.replace("/confirm", "/password"))
    return person


def changes(person: PageVisitor, current: str, new: str) -> PageVisitor:
    person.presses(CHANGE, current=current, new=new)
    return person


def accepts(services: Services, password: str) -> bool:
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None
    try:
        authenticator.verify(USERNAME, password)
    except CredentialsRefused:
        return False
    return True


def test_an_owner_changes_the_password_and_goes_on(
    app: Flask, graph: Graph, services: Services, jane: str
) -> None:
    """OWASP ASVS 5.0, 6.2.2, 6.2.3."""
    person = newcomer(app, graph)
    person.signs_in()
    assert LINK in person.reads

    changes(at_the_password(person), PASSWORD, CHOSEN)
    assert 303 == person.sees.status
    person.follows()

    assert "Your password is changed" in person.reads
    assert (False, True) == (accepts(services, PASSWORD), accepts(services, CHOSEN))
    person.opens(person.sees.text.split('class="button primary" href="')[1].split('"')[0])
    assert person.connects()
    assert jane


def test_the_cookie_of_before_the_change_is_dead(app: Flask, graph: Graph, jane: str) -> None:
    """R19; OWASP ASVS 5.0, 7.2.4: to type the password is to sign in once more."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(app)
    person.taps_log_in(login)
    person.presses("Log in", username=USERNAME, password=PASSWORD)
    old = person.sees.headers["set-cookie"].partition(";")[0]
    question = person.follows()
    changes(at_the_password(person), PASSWORD, CHOSEN).follows()

    other = PageVisitor(app, keeps_cookies=False)
    seen = other.opens(question.form("Connect").action, Cookie=old)
    sent = other.sends(question.form("Connect"), headers={"Cookie": old})

    assert [400, 400] == [seen.status, sent.status]
    assert not {"location", "set-cookie"} & {*seen.headers, *sent.headers}
    assert "Ana Berg" not in seen.text + sent.text
    person.opens(question.form("Connect").action)
    assert person.connects()
    assert jane


def test_after_the_end_the_page_says_how_it_ended(app: Flask, graph: Graph, jane: str) -> None:
    """The cookie is cut down by then, to the way back."""
    person = newcomer(app, graph)
    person.signs_in()
    address = person.sees.form("Connect").action.replace("/confirm", "/password")
    person.presses("Cancel")

    for path in (address, f"{address}/changed"):
        assert 200 == person.opens(path).status
        assert "Nothing was connected" in person.reads
    assert jane


@pytest.mark.usefixtures("given")
def test_a_first_password_is_changed_before_anything_is_connected(
    app: Flask, graph: Graph, services: Services
) -> None:
    """OWASP ASVS 5.0, 6.4.1: it is no long-term password."""
    person = newcomer(app, graph)

    person.signs_in(password=GIVEN)

    assert "was set for you. Choose your own before you go on." in person.reads
    assert "Connect" not in [form.button for form in person.sees.forms]
    changes(person, GIVEN, CHOSEN).follows()
    assert "Your password is changed" in person.reads
    again = newcomer(app, graph)
    again.signs_in(password=CHOSEN)
    assert again.connects()
    assert not accepts(services, GIVEN)


@pytest.mark.usefixtures("given")
def test_no_digits_are_sent_before_a_password_is_chosen(services: Services, graph: Graph) -> None:
    """OWASP ASVS 5.0, 6.4.1: also to who asks for them by hand."""
    settings = replace(services.settings, confirm_in_chat="always")
    person = newcomer(create_app(replace(services, settings=settings)), graph)
    person.signs_in(password=GIVEN)
    form = person.sees.form(CHANGE)

    asked = Form(form.action.replace("/password", "/digits"), form.fields, "Send")
    answer = person.sends(asked)

    assert 303 == answer.status
    assert [] == graph.messages
    person.follows()
    changes(person, GIVEN, CHOSEN)
    assert 1 == len(graph.messages)


@pytest.mark.usefixtures("given")
def test_a_question_that_was_not_shown_is_not_answered_instead(
    app: Flask, graph: Graph, services: Services
) -> None:
    person = newcomer(app, graph)
    person.signs_in(password=GIVEN)
    form = person.sees.form(CHANGE)

    consent = Form(form.action.replace("/password", "/confirm"), form.fields, "Connect")
    answer = person.sends(consent)

    assert 409 == answer.status
    assert "Choose your own password first." in person.reads
    with services.engine.connect() as connection:
        assert connection.scalar(select(Attempt.confirmed_at)) is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("wrong", CHOSEN), "Your current password isn’t right."),
        ((PASSWORD, PASSWORD), "This is your current password."),
        ((PASSWORD, "short"), "A password needs at least 15 characters."),
        ((PASSWORD, f"{USERNAME}1"), "little more than a name"),
    ],
    ids=["wrong", "same", "short", "name"],
)
@pytest.mark.usefixtures("jane")
def test_a_password_that_is_refused_changes_nothing(
    app: Flask, graph: Graph, services: Services, typed: tuple[str, str], says: str
) -> None:
    person = newcomer(app, graph)
    person.signs_in()

    answer = changes(at_the_password(person), *typed).sees

    assert 422 == answer.status
    assert says in person.reads
    assert 'aria-invalid="true"' in answer.text
    assert not [text for text in typed if f'"{text}"' in answer.text]
    assert accepts(services, PASSWORD)


@pytest.mark.usefixtures("jane")
def test_guesses_on_this_page_are_counted_with_those_on_the_sign_in_page(
    app: Flask, graph: Graph, services: Services
) -> None:
    """R61: five of one name from one network, on whichever page; a profile that fails waits."""
    person = newcomer(app, graph)
    person.signs_in()
    at_the_password(person)
    page = person.sees

    statuses = []
    for _ in range(6):
        person.sees = page
        statuses.append(changes(person, "wrong", CHOSEN).sees.status)
    signing_in = newcomer(app, graph).signs_in()

    assert [422] * 5 + [429] == statuses
    assert 429 == signing_in.status
    assert accepts(services, PASSWORD)


@pytest.mark.usefixtures("given")
def test_a_first_password_in_other_code_points_is_no_other_password(
    app: Flask, graph: Graph
) -> None:
    """OWASP ASVS 5.0, 6.4.1: passwords compare by NFKC; typed in full width it is still the first.

    Its hash would be the same, so that whoever set it could go on using it, for good.
    """
    person = newcomer(app, graph)
    person.signs_in(password=GIVEN)

    answer = changes(person, GIVEN, GIVEN.replace("t", "\uff54")).sees

    assert 422 == answer.status
    assert "This is your current password." in person.reads
    person.opens(answer.form(CHANGE).action)
    assert "Choose your own before you go on." in person.reads


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}], ids=str
)
@pytest.mark.usefixtures("jane")
def test_another_site_changes_no_password(
    app: Flask, graph: Graph, services: Services, headers: Mapping[str, str]
) -> None:
    """R27, R77."""
    person = newcomer(app, graph)
    person.signs_in()
    form = at_the_password(person).sees.form(CHANGE)
    typed = Form(form.action, {**form.fields, "current": PASSWORD, "new": CHOSEN}, CHANGE)

    foreign = person.sends(typed, headers=headers)
    without_token = person.sends(typed, form_token="")

    assert (400, 400) == (foreign.status, without_token.status)
    assert accepts(services, PASSWORD)


@pytest.mark.usefixtures("jane")
def test_the_page_is_for_those_who_have_signed_in(app: Flask, graph: Graph) -> None:
    """R14: a guess costs a live token of a real profile, here as there."""
    person = newcomer(app, graph)
    form = person.sees.form("Log in")

    person.opens(f"{form.action}/password")
    shown = [each.button for each in person.sees.forms]
    sent = person.sends(
        Form(f"{form.action}/password", form.fields, CHANGE),
        current=PASSWORD,
        new=CHOSEN,
    )

    assert CHANGE not in shown
    assert "Log in" in [each.button for each in sent.forms]


def test_other_attempts_end_with_the_password(
    app: Flask, graph: Graph, services: Services, jane: str
) -> None:
    """OWASP ASVS 5.0, 7.4.3; also one that is confirmed and on its way."""
    who, at = Identity(local.ISSUER, jane, "j"), clock.now()
    elsewhere = services.write(signed_in, psid=BEN, as_=who, at=at)
    services.write(confirmed, psid=BEN, as_=who, at=at)
    person = newcomer(app, graph)
    person.signs_in()

    changes(at_the_password(person), PASSWORD, CHOSEN).follows()

    assert "refused" == services.read(status_of, elsewhere, at=at).state
    with services.engine.connect() as connection:
        ended = connection.execute(select(Attempt.ended_as, Attempt.reason)).all()
    refused = ("refused", "password changed")
    assert [refused, refused, (None, None)] == sorted(map(tuple, ended), key=str)


@pytest.mark.parametrize("words", [(), ("--by-owner",)], ids=["first", "by its owner"])
def test_a_password_that_an_operator_sets_ends_what_the_old_one_began(
    app: Flask, graph: Graph, services: Services, jane: str, words: tuple[str, ...]
) -> None:
    """OWASP ASVS 5.0, 7.4.3."""
    person = newcomer(app, graph)
    person.signs_in()
    question = person.sees

    done = Operator(services).types("accounts", "set-password", *words, USERNAME, told=CHOSEN)
    person.sees = question
    answer = person.presses("Connect")

    assert "Attempts ended: 1." in done.output
    assert ("for 7 days" in done.output) == (not words)
    assert 409 == answer.status
    assert "authorization_code" not in str(answer.headers)
    assert bool(words) != services.read(first_passwords.is_first, jane)


def test_a_password_that_changes_while_the_old_one_is_verified_wins(
    services: Services, jane: str
) -> None:
    """OWASP ASVS 5.0, 7.4.3: the old one was right when it was looked at."""
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None
    ticket = services.write(opened, at=clock.now())
    identity = authenticator.verify(USERNAME, PASSWORD)
    services.write(
        account_changes.set_password,
        USERNAME,
        services.hasher.hash(CHOSEN),
        is_first=False,
        at=clock.now(),
    )

    counters = services.rate_limit_keys.sign_in(USERNAME, "192.0.2.1", PAGE, ANA)
    hit = services.write(rate_limiter.hit, counters, at=clock.now())

    with pytest.raises(CredentialsRefused):
        services.write(
            flow.sign_in,
            ticket,
            identity,
            successor(ticket),
            hit,
            name_hashes=(),
            at=clock.now(),
        )
    with pytest.raises(CredentialsRefused):
        services.write(
            account_changes.choose_password,
            ticket,
            identity,
            successor(ticket),
            hit,
            password_hash="hash",
            at=clock.now(),
        )

    assert jane
    assert accepts(services, CHOSEN)


def test_a_first_password_expires(app: Flask, graph: Graph, services: Services, given: str) -> None:
    """OWASP ASVS 5.0, 6.4.1: after a week; who knows it is told, nobody else is."""
    services.write(_set_at, given, clock.now() - first_passwords.LIFE)
    person = newcomer(app, graph)

    wrong = person.signs_in(password="wrong").status, person.reads
    right = person.signs_in(password=GIVEN).status, person.reads

    assert wrong[0] == right[0] == 422
    assert "Wrong email, username or password." in wrong[1]
    assert "This password was temporary and no longer works. Ask for a new one." in right[1]


def test_a_first_password_serves_until_then(services: Services, given: str) -> None:
    services.write(_set_at, given, clock.now() - first_passwords.LIFE + timedelta(minutes=1))
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None

    assert given == authenticator.verify(USERNAME, GIVEN).subject
    services.write(_set_at, given, clock.now() - first_passwords.LIFE)
    with pytest.raises(PasswordExpired):
        authenticator.verify(USERNAME, GIVEN)


@pytest.mark.usefixtures("jane")
def test_a_password_of_its_owner_never_expires(services: Services) -> None:
    """OWASP ASVS 5.0, 6.2.10; `jane` chose hers long ago."""
    assert accepts(services, PASSWORD)


def test_digits_are_sent_after_the_password_was_chosen(
    settings: Settings, graph: Graph, given: str
) -> None:
    """CONFIRM_IN_CHAT: not while the person thinks of a password."""
    chatty = build(replace(settings, confirm_in_chat="always"))
    try:
        person = newcomer(create_app(chatty), graph)
        person.signs_in(password=GIVEN)
        before = len(graph.messages)
        changes(person, GIVEN, CHOSEN)
    finally:
        chatty.close()

    assert (0, 1) == (before, len(graph.messages))
    assert given


def _set_at(session: Session, subject: str, at: datetime) -> None:
    session.get_one(Account, subject).password_set_at = at


def test_a_stolen_password_is_refused_where_there_is_a_list(
    settings: Settings, graph: Graph, jane: str, tmp_path: Path
) -> None:
    """OWASP ASVS 5.0, 6.2.12: whoever sets it; and nothing is set unseen where it is gone."""
    stolen = tmp_path / "hashes.txt"
    stolen.write_text(f"{sha1(CHOSEN.encode(), usedforsecurity=False).hexdigest()}:3\n")
    strict = build(replace(settings, breached_passwords=SortedHashes(stolen)))
    try:
        person = newcomer(create_app(strict), graph)
        person.signs_in()
        page = at_the_password(person).sees
        refused = changes(person, PASSWORD, CHOSEN).sees.status, person.reads
        typed = Operator(strict).types("accounts", "set-password", USERNAME, told=CHOSEN)
        stolen.unlink()
        person.sees = page
        unseen = changes(person, PASSWORD, CHOSEN).sees.status
        assert accepts(strict, PASSWORD)
    finally:
        strict.close()

    assert 422 == refused[0]
    assert "This password is in a list of stolen passwords." in refused[1]
    assert "in a list of stolen passwords" in typed.output
    assert 503 == unseen
    assert jane

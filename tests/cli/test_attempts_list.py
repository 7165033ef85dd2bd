"""`attempts list`: from a customer, a page or a cause to the attempts."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity
from app.cli import attempts_list
from app.infra import clock
from app.linking import attempts, sign_in_names
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_status import status_of
from app.messenger.types import PageId
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import ANA, BEN, PAGE
from tests.linking.factories import JANE, MINUTE, OMAR, opened, signed_in


def _some(session: Session) -> list[str]:
    """Add three attempts; return their references, the newest first."""
    now = clock.now()
    tickets = [
        opened(session, page_id=PageId("4711"), at=now - 30 * MINUTE),
        signed_in(session, psid=BEN, as_=OMAR, at=now - 20 * MINUTE),
        signed_in(session, psid=ANA, as_=JANE, at=now - 10 * MINUTE),
    ]
    attempts.cancel(session, tickets[1], at=now - 19 * MINUTE)
    wrong = Note(
        reference=status_of(session, tickets[0], at=now).reference,
        kind=Kind.CREDENTIALS_WRONG,
        at=now - 29 * MINUTE,
        subject="ldap:staff",
    )
    record(session, {wrong.key: Counted.one(wrong)})
    return [status_of(session, ticket, at=now).reference for ticket in reversed(tickets)]


@pytest.fixture
def some(services: Services) -> list[str]:
    return services.write(_some)


def _listed(operator: Operator, *options: str) -> list[str]:
    output = operator.types("attempts", "list", *options, "--json").stdout
    return [json.loads(line)["reference"] for line in output.splitlines()]


def test_attempts_are_listed_with_their_causes_on_80_columns(
    operator: Operator, some: list[str]
) -> None:
    head, *lines = operator.types("attempts", "list").stdout.splitlines()

    assert head.startswith("opened (UTC)  reference")
    assert some == [line.split()[2] for line in lines]
    assert ["left_confirm", PAGE] == lines[0].split()[-2:]
    assert ["credentials_wrong", "4711"] == lines[2].split()[-2:]
    assert max(map(len, [head, *lines])) <= 80


@pytest.mark.parametrize(
    ("options", "which"),
    [
        (("--since", "25m"), (0, 1)),
        (("--until", "15m"), (1, 2)),
        (("--since", "25m", "--until", "15m"), (1,)),
        (("--since", "2020-01-01"), (0, 1, 2)),
        (("--page", "4711"), (2,)),
        (("--psid", ANA), (0,)),
        (("--issuer", OMAR.issuer, "--subject", OMAR.subject), (1,)),
        (("--cause", "credentials_wrong"), (2,)),
        (("--cause", "cancelled"), (1,)),
        (("--stage", "signed_in"), (0, 1)),
        (("--authenticator", "ldap:staff"), (2,)),
        (("--limit", "2"), (0, 1)),
        (("--cause", "linked"), ()),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else None,
)
def test_each_option_chooses(
    operator: Operator, some: list[str], options: tuple[str, ...], which: tuple[int, ...]
) -> None:
    assert [some[each] for each in which] == _listed(operator, *options)


def test_a_list_goes_on_where_it_ended(operator: Operator, some: list[str]) -> None:
    first = operator.types("attempts", "list", "--limit", "1")

    assert f"Older ones: --before {some[0]}" in first.stderr
    assert some[1:] == _listed(operator, "--before", some[0].upper().replace("-", " "))
    assert (
        "there is no attempt" in operator.types("attempts", "list", "--before", "q3m97d2k").output
    )


def test_a_rare_cause_is_looked_for_in_bounded_steps(
    operator: Operator, some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the list says how far it has looked, and how to go on."""
    monkeypatch.setattr(attempts_list, "WINDOW", 1)
    monkeypatch.setattr(attempts_list, "LOOKED_AT", 2)

    first = operator.types("attempts", "list", "--cause", "credentials_wrong")

    assert "No attempt fits." in first.stdout
    assert f"Older ones: --before {some[1]}" in first.stderr
    assert some[2:] == _listed(operator, "--cause", "credentials_wrong", "--before", some[1])


def test_the_attempts_of_a_built_in_account_are_found_by_its_name(
    operator: Operator, services: Services
) -> None:
    def add(session: Session) -> None:
        subject = local.add(session, "jane@example.com", None, "hash", at=clock.now())
        identity = type(JANE)("local", subject, "j•••@example.com")
        signed_in(session, as_=identity, at=clock.now())
        signed_in(session, psid=BEN, as_=OMAR, at=clock.now())

    services.write(add)

    assert 1 == len(_listed(operator, "--user", "Jane@Example.com"))
    unknown = operator.types("attempts", "list", "--user", "omar")
    assert 1 == unknown.exit_code
    assert "nobody is known as omar" in unknown.output
    assert "--issuer ISSUER --subject SUBJECT" in unknown.output


def test_a_user_of_a_directory_or_provider_is_found_by_the_name_typed_there(
    operator: Operator, services: Services
) -> None:
    """Support staff know the name that a customer writes in with, and nothing else."""
    rosa = Identity("ldap:staff", "rosa-1", "r•••", known_as=("rosa@example.com",))
    other = Identity("https://login.example.org", "it's rosa", "r•••", known_as=rosa.known_as)

    def add(session: Session, identity: Identity) -> None:
        signed_in(session, as_=identity, at=clock.now())
        hashes = services.name_hasher.hashes_of(identity)
        sign_in_names.remember(session, identity, hashes, at=clock.now())

    services.write(add, rosa)
    assert 1 == len(_listed(operator, "--user", "Rosa@example.com "))

    services.write(add, other)
    several = operator.types("attempts", "list", "--user", "rosa@example.com")
    assert 1 == several.exit_code
    assert "2 users are known as rosa@example.com" in several.output
    assert "--issuer ldap:staff --subject rosa-1" in several.output
    assert """--subject 'it'"'"'s rosa'""" in several.output


def test_an_empty_list_is_said_to_be_empty(operator: Operator) -> None:
    assert "There are no such attempts." in operator.types("attempts", "list").stdout
    assert "" == operator.types("attempts", "list", "--json").stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "yesterday"), "is no time: 30m, 2h, 7d"),
        (("--issuer", "local"), "--issuer and --subject go together"),
        (("--user", "j", "--issuer", "local", "--subject", "x"), "give either --user"),
        (("--before", "abc"), "'abc' is no reference"),
        (("--cause", "nonsense"), "'nonsense' is not one of"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_bad_options_are_named(operator: Operator, options: tuple[str, ...], words: str) -> None:
    result = operator.types("attempts", "list", *options)

    assert 2 == result.exit_code
    assert words in result.output


def test_ten_times_the_limit_costs_no_more_reads_than_needed(
    operator: Operator, services: Services
) -> None:
    def add(session: Session) -> None:
        for minute in range(12):
            opened(session, at=clock.now() - minute * timedelta(minutes=1))

    services.write(add)

    assert 12 == len(_listed(operator, "--limit", "12"))
    assert 5 == len(_listed(operator, "--limit", "5"))

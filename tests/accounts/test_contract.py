"""The contract of every authenticator, with a password form or with a provider's pages.

A new kind gets one line in the tables of authenticator_kinds.py.
"""

import logging
import unicodedata
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused, ProofRefused
from tests.accounts.authenticator_kinds import (
    ASKING,
    FAILING,
    KINDS,
    NAME,
    PASSWORD,
    SUBJECT,
    Asking,
    Failing,
    Kind,
)
from tests.accounts.oidc_provider import CLIENT_SECRET
from tests.accounts.password_endpoint import SECRET
from tests.conftest import on_sqlite

# Refusals. AuthenticatorUnavailable is none: the same sign-in may succeed later.
NO = (CredentialsRefused, ProofRefused)
SECRETS = ("canary", PASSWORD, SECRET, CLIENT_SECRET, "c0de")
pytestmark = on_sqlite


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Kind]:
    """Yield a kind by which NAME can sign in."""
    with KINDS[request.param](engine) as kind:
        yield kind


@pytest.fixture(params=FAILING)
def failing(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Failing]:
    """Yield a kind that may be unavailable, by which NAME can sign in."""
    with FAILING[request.param](engine) as failing:
        yield failing


@pytest.fixture(params=ASKING)
def asking(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Asking]:
    """Yield a kind that asks a server, which answers that NAME is SUBJECT."""
    with ASKING[request.param](engine) as asking:
        yield asking


def test_a_user_is_an_issuer_and_a_subject(kind: Kind) -> None:
    """R58: neither holds a name or an address, and both are fit to be kept."""
    identity = kind.signs_in()

    for part in (identity.issuer, identity.subject):
        assert 0 < len(part) <= 255
        assert "jane" not in part
        assert part.isprintable()


def test_a_user_stays_the_same(kind: Kind) -> None:
    """R58: also after a restart of the server."""
    assert kind.signs_in() == kind.signs_in()


def test_the_name_shown_is_masked(kind: Kind) -> None:
    """R14: the person who sees the confirm page need not be the account's owner."""
    assert "j•••@example.com" == kind.signs_in().display_name


def test_a_user_is_found_by_the_name_of_the_sign_in(kind: Kind) -> None:
    """Operators look by it; the built-in accounts are looked up as accounts. No log repeats it."""
    identity = kind.signs_in()

    assert identity.known_as == (() if identity.issuer == "local" else ("jane@example.com",))
    assert "jane" not in repr(identity)


def test_wrong_is_told_from_away(kind: Kind) -> None:
    """A wrong password is not reported as an outage."""
    kind.refuses()

    with pytest.raises(NO) as refused:
        kind.signs_in()

    assert not isinstance(refused.value, AuthenticatorUnavailable)
    assert refused.value.__cause__ is None


def test_away_is_told_from_wrong(failing: Failing) -> None:
    """Nobody is asked to correct a right password."""
    failing.is_away()

    with pytest.raises(AuthenticatorUnavailable) as away:
        failing.signs_in()

    assert not isinstance(away.value, NO)


@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_no_secret_is_logged_or_in_an_error(
    kind: Kind, caplog: pytest.LogCaptureFixture, *, is_right: bool
) -> None:
    """R110: even at the most verbose level; and a log may quote an error."""
    caplog.set_level(logging.DEBUG)
    if not is_right:
        kind.refuses()

    shown = outcome_of(kind)

    for secret in (*SECRETS, NAME):
        assert secret not in caplog.text + shown


def test_no_secret_is_logged_or_in_an_error_of_an_outage(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    """R110."""
    caplog.set_level(logging.DEBUG)
    failing.is_away()

    shown = outcome_of(failing)

    for secret in (*SECRETS, NAME):
        assert secret not in caplog.text + shown


def outcome_of(kind: Kind) -> str:
    """Return everything that a sign-in shows of its result or its error."""
    try:
        return repr(kind.signs_in())
    except (*NO, AuthenticatorUnavailable) as exc:
        return f"{exc!r} {exc} {getattr(exc, 'reason', '')} {exc.__cause__}"


def test_a_server_that_hangs_is_given_up(asking: Asking) -> None:
    """A thread must not wait for ever."""
    asking.hangs()

    with pytest.raises(AuthenticatorUnavailable):
        asking.signs_in(total_s=0.5)


def test_two_people_with_one_name_stay_two(asking: Asking) -> None:
    """R58: a name, an address, proves nothing."""
    one = asking.signs_in()
    asking.says(SUBJECT.replace("0f5", "1f5"))

    other = asking.signs_in()

    assert one.display_name == other.display_name
    assert one.issuer == other.issuer
    assert one.subject != other.subject


@pytest.mark.parametrize(
    "subject",
    ["", " ", "\0", f"{SUBJECT}\0", f" {SUBJECT}", f"{SUBJECT}\n", "a" * 256, f"\u202e{SUBJECT}"],
    ids=["empty", "space", "NUL", "NUL at the end", "before", "line", "long", "other direction"],
)
def test_a_subject_nobody_can_compare_is_nobody(asking: Asking, subject: str) -> None:
    """R58: what a database may cut, trim or take for another is not stored in the first place."""
    asking.says(subject)

    with pytest.raises((*NO, AuthenticatorUnavailable)):
        asking.signs_in()


@pytest.mark.parametrize(
    "name",
    [
        "\u202ejane@example.com\u202c",
        "ja\0ne\x1b[2J\r\n@example.com",
        "j" * 10_000 + "@example.com",
        "j" + "\u0301" * 10_000,
        "j@" + "e" * 10_000,
        "\u200b\u2060",
        "<script>alert(1)</script>",
        " ",
        "",
    ],
    ids=["direction", "control", "long", "marks", "domain", "unseen", "script", "space", "empty"],
)
def test_a_name_shows_no_more_than_a_name(asking: Asking, name: str) -> None:
    """R82: it is cut, loses what would steer the text around it, and costs nobody the sign-in."""
    asking.says(SUBJECT, name)

    identity = asking.signs_in()

    assert SUBJECT == identity.subject
    assert 0 < len(identity.display_name) <= 255
    assert not [c for c in identity.display_name if unicodedata.category(c)[0] == "C"]
    assert identity.display_name.isprintable()

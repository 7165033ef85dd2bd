"""What holds for every authenticator, whatever its shape: a form of ours, or a provider's pages."""

import logging
import unicodedata
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused, ProofRefused
from tests.accounts.authenticator_kinds import ASKING, KINDS, NAME, PASSWORD, SUBJECT, Asking, Kind
from tests.accounts.oidc_provider import CLIENT_SECRET
from tests.accounts.password_endpoint import SECRET
from tests.conftest import on_sqlite

# Which base says what to do: wrong is wrong, and what cannot be told may be tried again.
NO = (CredentialsRefused, ProofRefused)
SECRETS = ("canary", PASSWORD, SECRET, CLIENT_SECRET, "c0de")
pytestmark = on_sqlite


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Kind]:
    """Yield one of which NAME can sign in."""
    with KINDS[request.param](engine) as kind:
        yield kind


@pytest.fixture(params=ASKING)
def asking(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Asking]:
    """Yield one that asks somebody, who says that NAME is SUBJECT."""
    with ASKING[request.param](engine) as asking:
        yield asking


def test_a_user_is_an_issuer_and_a_subject(kind: Kind) -> None:
    """R58: neither holds a name or an address, and both are fit to be kept."""
    identity = kind.signs_in()

    for part in (identity.issuer, identity.subject):
        assert 0 < len(part) <= 255
        assert "jane" not in part
        assert part.isprintable()


def test_a_user_stays_who_he_is(kind: Kind) -> None:
    """R58: also when the server was started anew."""
    assert kind.signs_in() == kind.signs_in()


def test_the_name_shown_is_masked(kind: Kind) -> None:
    """R14: whoever looks at the confirm page need not be its owner."""
    assert "j•••@example.com" == kind.signs_in().display_name


def test_wrong_is_told_from_away(kind: Kind) -> None:
    """A person is asked to look again at what was right only if nobody can know better."""
    kind.refuses()

    with pytest.raises(NO) as refused:
        kind.signs_in()

    assert not isinstance(refused.value, AuthenticatorUnavailable)
    assert refused.value.__cause__ is None


def test_away_is_told_from_wrong(kind: Kind) -> None:
    kind.is_away()

    with pytest.raises(AuthenticatorUnavailable) as away:
        kind.signs_in()

    assert not isinstance(away.value, NO)


@pytest.mark.parametrize("outcome", ["right", "wrong", "away"])
def test_nothing_secret_is_said(kind: Kind, outcome: str, caplog: pytest.LogCaptureFixture) -> None:
    """R110: neither in the log, at its most talkative, nor in an error, which a log may quote."""
    caplog.set_level(logging.DEBUG)
    said = ""

    try:
        if outcome == "wrong":
            kind.refuses()
        elif outcome == "away":
            kind.is_away()
        said = repr(kind.signs_in())
    except (*NO, AuthenticatorUnavailable) as exc:
        said = f"{exc!r} {exc} {getattr(exc, 'reason', '')} {exc.__cause__}"

    assert said
    for secret in (*SECRETS, NAME):
        assert secret not in caplog.text + said


def test_whoever_hangs_is_given_up(asking: Asking) -> None:
    """A thread must not wait for anybody for ever."""
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

import threading
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]  # ships no types

from app.accounts.passwords import Hasher, HashUnusable, PasswordRefused, check_new_password

LITTLE_WORK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
NOBODYS = LITTLE_WORK.hash("nobody has this one: \x00")
GOOD = "gravel teapot under nineteen"


@dataclass(frozen=True, slots=True)
class Watch:
    """Counts who is inside; a slot that nobody has to wait for."""

    entered: list[str] = field(default_factory=list)

    def __enter__(self) -> None:
        self.entered.append(threading.current_thread().name)

    def __exit__(self, *_exc: object) -> None:
        return None


@pytest.fixture
def hasher() -> Hasher:
    return Hasher(LITTLE_WORK)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "    a b c d e f zq  ",
        "žluťoučký kůň úpěl",
        "竹藪焼けた竹藪焼けなかった北風小僧",
        "\U0001f980 walks sideways home",
        "x7Gq!mZ2@kLw9$eRt",
        "gravel teapot under nineteen " * 8,
    ],
    ids=["words", "spaces", "Czech", "Japanese", "an emoji", "a generator's", "long"],
)
def test_a_good_password_of_any_kind_is_taken(password: str) -> None:
    """R52: every character counts, and there is no recipe."""
    check_new_password(password)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short and good", "A password needs 15 characters or more."),
        ("\U0001f980" * 14, "A password needs 15 characters or more."),
        ("x" * 257, "A password may have 256 characters at most."),
        ("aaaaaaaaaaaaaaaaaa", 'Repeats like "aaa" are easy to guess.'),
        ("qwertyuiopasdfgh", "This is similar to a commonly used password."),
        ("half a character \ud800", "This password holds something that is no character."),
    ],
    ids=["14 characters", "14 wide characters", "257", "one letter", "a keyboard row", "a half"],
)
def test_a_refused_password_hears_why_and_is_not_quoted(password: str, why: str) -> None:
    """R52, R53: the reason, an invitation to choose another, and nothing of the password."""
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password)

    assert f"{why} Please choose another; four or five unrelated words make a good one." == str(
        refused.value
    )
    assert password not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_each_common_password_is_refused_at_the_lowest_minimum() -> None:
    """R53: 30,000 common passwords, those among them that are long enough to be set at all."""
    common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]
    taken = []

    for password in common:
        try:
            check_new_password(password, minimum=8)
        except PasswordRefused:
            continue
        taken.append(password)

    assert len(common) > 10_000
    assert [] == taken


@pytest.mark.parametrize(
    "password",
    [
        "threadlink threadlink",
        "ThreadLink-2026",
        "Jane.Doe.Jane.Doe",
        "jane.doe@example.com",
        "janedoe janedoe 1",
        "Acme-Store-Threadlink",
        "ACMESTORE acme store!",
        "\uff2a\uff21\uff2e\uff25.\uff24\uff2f\uff25 example com",
    ],
)
def test_a_password_made_of_names_is_refused(password: str) -> None:
    """R53: product, site, username and the local part of its address, joined and adorned."""
    with pytest.raises(PasswordRefused):
        check_new_password(password, forbidden=["Acme Store", "jane.doe@example.com"])


def test_a_name_within_a_long_password_does_no_harm() -> None:
    check_new_password(f"jane {GOOD}", forbidden=["jane@example.com"])


def test_the_minimum_is_lowered_to_eight_and_no_further() -> None:
    """R52."""
    check_new_password("x7Gq!mZ2", minimum=8)
    with pytest.raises(PasswordRefused):
        check_new_password("x7Gq!mZ", minimum=8)
    with pytest.raises(ValueError, match="below 8"):
        check_new_password(GOOD, minimum=7)


def test_a_hash_is_argon2id_of_nineteen_mebibytes() -> None:
    """R54."""
    kept = Hasher().hash(GOOD)

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert extract_parameters(kept).salt_len >= 16


def test_a_password_matches_its_own_hash_only(hasher: Hasher) -> None:
    kept = hasher.hash(GOOD)

    assert hasher.matches(kept, GOOD)
    assert not hasher.matches(kept, GOOD.upper())
    assert not hasher.matches(kept, GOOD + " ")
    assert not hasher.matches(kept, "")


def test_the_last_of_256_characters_counts(hasher: Hasher) -> None:
    """R52: never cut."""
    kept = hasher.hash("x" * 255 + "y")

    assert hasher.matches(kept, "x" * 255 + "y")
    assert not hasher.matches(kept, "x" * 256)


def test_two_keyboards_type_the_same_password(hasher: Hasher) -> None:
    """R52: NFKC before hashing."""
    assert hasher.matches(hasher.hash("caf\u00e9 \uff57ide"), "cafe\u0301 wide")


@pytest.mark.parametrize("password", ["x" * 257, "\ud800"], ids=["too long", "no text"])
def test_a_password_nobody_can_have_set_matches_nothing(hasher: Hasher, password: str) -> None:
    """R59: what is verified in its place, the empty password, does not let it in."""
    assert not hasher.matches(hasher.hash(""), password)


def test_a_damaged_hash_tells_nothing(hasher: Hasher) -> None:
    """Else each damaged account would seem to have a forgetful owner."""
    for damaged in ("", "plain", "$argon2id$v=19$m=64,t=1,p=1$!!$!!"):
        with pytest.raises(HashUnusable):
            hasher.matches(damaged, GOOD)


def test_a_hash_is_outdated_when_more_work_is_asked_now(hasher: Hasher) -> None:
    """R54: fewer, after a change of mind, are no reason to weaken what is kept."""
    kept = hasher.hash(GOOD)
    more = Hasher(PasswordHasher(time_cost=1, memory_cost=128, parallelism=1))

    assert not hasher.is_outdated(kept)
    assert more.is_outdated(kept)
    assert not hasher.is_outdated(more.hash(GOOD))


def test_what_is_kept_costs_what_owasp_asks_for() -> None:
    """R54: as the server is shipped (OWASP, Password Storage: Argon2id, 19 MiB, twice)."""
    used = extract_parameters(Hasher().hash(GOOD))

    assert Type.ID is used.type
    assert used.memory_cost >= 19 * 1024
    assert used.time_cost >= 2
    assert used.salt_len >= 16


def test_every_computation_takes_a_slot() -> None:
    """R54: the gate bounds how many hashes run at once."""
    watch = Watch()
    hasher = Hasher(LITTLE_WORK, slots=watch)

    hasher.matches(hasher.hash(GOOD), GOOD)

    assert 2 == len(watch.entered)


def test_a_hasher_shows_no_password(hasher: Hasher) -> None:
    kept = hasher.hash(GOOD)

    assert GOOD not in kept
    assert GOOD not in repr(hasher)


@given(st.text(st.characters(), max_size=300))
def test_no_text_whatever_makes_anything_fail(password: str) -> None:
    """No input is an error of ours: neither the one who sets it nor the one who is asked fails."""
    with suppress(PasswordRefused):
        check_new_password(password, forbidden=[password[:20]], minimum=8)

    assert not Hasher(LITTLE_WORK).matches(NOBODYS, password)

"""Authorization codes: their form, from which nothing can be learnt (R28)."""

import re
import secrets
from collections import Counter
from itertools import pairwise

import pytest

from app.linking.authorization_codes import code_for
from tests.linking.factories import CODE_KEY

MANY = 100_000
# What 32 bytes are in Base64: six bits a character, and two bits of the last one unused.
LENGTH = 43


@pytest.fixture(scope="module")
def codes() -> list[str]:
    """Return the codes of as many attempts, in the order in which they were opened."""
    return [code_for(secrets.token_urlsafe(32), code_key=CODE_KEY) for _ in range(MANY)]


def test_no_two_of_a_hundred_thousand_codes_are_equal(codes: list[str]) -> None:
    """R28."""
    assert MANY == len(set(codes))


def test_each_code_fits_into_an_address_as_it_is(codes: list[str]) -> None:
    """R28: 256 bits, and no character that anything on the way would escape."""
    shape = re.compile(rf"tl_[A-Za-z0-9_-]{{{LENGTH}}}")

    assert all(shape.fullmatch(code) for code in codes)


def test_each_character_of_a_code_is_as_likely_as_any(codes: list[str]) -> None:
    """R28: no counter, no time, no account stands at any place."""
    for place, characters in enumerate(zip(*(code[3:] for code in codes), strict=True)):
        counts = Counter(characters)
        expected = 16 if place == LENGTH - 1 else 64
        # Of 100,000, each of 64 comes 1,562 times, give or take 39: ten times that is no chance.
        even = MANY / expected
        assert expected == len(counts)
        assert all(abs(count - even) < 10 * even**0.5 for count in counts.values())


def test_a_code_tells_nothing_about_the_next(codes: list[str]) -> None:
    """R28: one that follows shares no more with it than chance, and does not come behind it."""
    shared = sum(
        a == b for code, after in pairwise(codes) for a, b in zip(code, after, strict=True)
    )
    rising = sum(code < after for code, after in pairwise(codes))

    # The prefix of three, 42 characters with one chance in 64, one with one in 16.
    assert abs(shared / MANY - (3 + 42 / 64 + 1 / 16)) < 0.05
    assert abs(rising / MANY - 1 / 2) < 0.05


def test_another_key_makes_another_code() -> None:
    """The code is made of what only the server knows: a browser cannot compute its own."""
    assert code_for("a secret", code_key=CODE_KEY) != code_for("a secret", code_key=b"another key")

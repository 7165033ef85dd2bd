import re

from hypothesis import given
from hypothesis import strategies as st

from app.api_keys import tokens

KEY = tokens.new_key()


def test_a_key_has_a_form_that_scanners_can_tell() -> None:
    """R92: 160 random bits or more; 30 characters of 62 are 178."""
    assert re.fullmatch(r"tlk_[0-9A-Za-z]{46}", KEY)
    assert tokens.is_key(KEY)


def test_no_two_keys_are_alike() -> None:
    assert 100 == len({tokens.new_key() for _ in range(100)})


@given(place=st.integers(0, len(KEY) - 1), char=st.characters(codec="utf-8"))
def test_a_typing_error_shows_without_the_database(place: int, char: str) -> None:
    """R92: the sum tells it."""
    mistyped = KEY[:place] + char + KEY[place + 1 :]

    assert (mistyped == KEY) == tokens.is_key(mistyped)


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    assert not tokens.is_key(text)

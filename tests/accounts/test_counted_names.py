"""The form by which guesses at a name are counted (R61)."""

import unicodedata
from functools import cache
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.counted_names import counted_form
from app.accounts.identity import comparable
from tests.accounts.spellings import exact_spellings, loose_spellings

NAME: Final = "jane.doe-81@example.com"
# A letter of no store's alphabet of A to Z.
ODD: Final = counted_form("\u0259")


@cache
def _characters() -> list[str]:
    """Return all of Unicode that is assigned."""
    return [
        char for char in map(chr, range(0x110000)) if unicodedata.category(char) not in {"Cn", "Co"}
    ]


@given(st.one_of(exact_spellings(NAME), loose_spellings(NAME)))
def test_all_spellings_of_a_name_have_one_form(spelling: str) -> None:
    """R61: else each of them would have guesses of its own."""
    assert counted_form(NAME) == counted_form(spelling)


@given(st.text(max_size=20))
def test_it_is_coarser_than_the_comparison_of_accounts(name: str) -> None:
    """R61, R63: no spelling of an account's name has guesses of its own."""
    assert counted_form(name) in {counted_form(comparable(name)), ODD}


def test_no_character_gives_a_name_a_third_count() -> None:
    """R61: all of Unicode. To an account's name an iota subscript is an iota; it was none here.

    So a name had a count for each way to write its iotas.
    """
    names = [f"a{char}b" for char in _characters()]

    several = [
        ascii(name)
        for name in names
        if len({counted_form(name), counted_form(comparable(name))} - {ODD}) > 1
    ]

    assert [] == several


@pytest.mark.parametrize(
    "spellings",
    [
        ["jane", " Jane ", "J A N E", "\uff2a\uff21\uff2e\uff25", "\U0001d423ane", "j\u200dane"],
        ["jane", "j\u00e0ne", "ja\u0301ne", "jane\u0301\u0301", "j\u00aane", "jane\0"],
        ["oslo", "\u00d8SLO", "o\u017fl\u00ba"],
        ["lukasz", "\u0141ukasz", "\u0142UKA\u015aZ"],
        ["mike", "M\u0130KE", "m\u0131ke", "mi\u0307ke"],
        ["strasse", "stra\u00dfe", "STRASE"],
        ["aegir", "\u00c6gir", "\u00e6GIR"],
        ["thor", "\u00deor"],
        ["+46 (70) 123-45", "467012345", "\u0664\u0666 7012345"],
        ["\u304b\u304c\u307f", "\u30ab\u30ab\u30df", "\uff76\uff76\uff90"],
        ["\u30c4", "\u3063", "\uff6f"],
    ],
    ids=lambda spellings: ascii(spellings[0]),
)
def test_what_some_store_takes_for_one_name_has_one_form(spellings: list[str]) -> None:
    """R61: in MySQL, Active Directory or OpenLDAP, or written by hand."""
    assert 1 == len({counted_form(spelling) for spelling in spellings})


@pytest.mark.parametrize(
    "odd",
    ["j\u0363ne", "\U0001f159ane", "j\u0250ne", "jane\u2c61", "jane\U0001f363", "\u1fb3", "\u0345"],
)
def test_what_stores_disagree_about_counts_as_one(odd: str) -> None:
    """One store ignores the character, another takes it for a letter: all such names are one."""
    assert ODD == counted_form(odd)


@pytest.mark.parametrize(
    "others", [("jane", "ben"), ("jane", "jane2"), ("a1", "a2"), ("\u304b", "\u304d")]
)
def test_different_names_stay_different(others: tuple[str, str]) -> None:
    """Else everybody would share one count."""
    assert counted_form(others[0]) != counted_form(others[1])


def test_no_character_but_a_letter_or_digit_adds_to_the_form() -> None:
    """All of Unicode: marks, formats, spaces, punctuation and symbols make no new spelling."""
    forms = {
        counted_form(f"jane{char}")
        for char in _characters()
        if unicodedata.category(char)[0] in "MCZPS" and unicodedata.normalize("NFKD", char) == char
    }

    assert forms <= {"jane", ODD}


def test_the_form_of_a_form_is_itself() -> None:
    """All of Unicode."""
    forms = {counted_form(char) for char in _characters()} - {ODD}

    assert [] == [form for form in forms if counted_form(form) != form]

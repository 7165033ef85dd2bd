import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.identity import masked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("jane@example.com", "j•••@example.com"),
        ("jane", "j•••"),
        ("j", "j•••"),
        ("", "•••"),
        ("   ", "•••"),
        ("@example.com", "•••@example.com"),
        ("jane@", "j•••"),
        ("@", "•••"),
        ("a@b@example.com", "a•••@example.com"),
        ("Émile", "É•••"),
        ("E\u0301mile", "É•••"),
        ("\u0301jane", "j•••"),
        ("李小龍", "李•••"),
        ("\U0001f469\u200d\U0001f467 mum", "\U0001f469•••"),
        ("\u202ejane@example.com", "j•••@example.com"),
        ("\u3164jane", "j•••"),
        ("\tjane\n", "j•••"),
        ("jane@exa\u2066mple.com\x00", "j•••@example.com"),
        ("\ud800jane", "j•••"),
        ("\ufb1d000", "\u05d9\u05b4•••"),
    ],
    ids=[
        "an address",
        "a word",
        "one letter",
        "nothing",
        "spaces",
        "no local part",
        "no domain",
        "only an at",
        "two ats",
        "an accent",
        "an accent apart",
        "an accent on nothing",
        "Chinese",
        "an emoji of several",
        "turned around",
        "a letter nobody sees",
        "white space around",
        "steering marks in the domain",
        "half a character",
        "a letter that normal form makes a letter and a mark",
    ],
)
def test_a_masked_name_shows_its_first_letter_and_domain(name: str, shown: str) -> None:
    assert shown == masked(name)


def test_a_heap_of_accents_does_not_climb_over_the_page() -> None:
    assert "z" + "\u0311" * 2 + "•••" == masked("z" + "\u0311" * 90 + "algo")


@given(st.text(st.characters(), max_size=40))
def test_a_masked_name_never_steers_the_text_around_it(name: str) -> None:
    shown = masked(name)

    assert not any(unicodedata.category(char)[0] == "C" for char in shown)


@given(st.text(st.characters(categories=("L", "N")), min_size=4, max_size=40))
def test_a_masked_name_hides_all_but_one_letter(name: str) -> None:
    # A letter may come with a mark on it, or be made into one by the normal form.
    letters = [char for char in masked(name) if unicodedata.category(char)[0] != "M"]

    assert len(letters) <= len("x•••")

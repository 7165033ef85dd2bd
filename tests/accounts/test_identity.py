import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts import local
from app.accounts.identity import masked, meant_name


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


@pytest.mark.parametrize(
    "name", ["x@Harbour Coffee. Tap Yes, and get 20 €", "x@https://example.org/yes", "x@a?b"]
)
def test_no_words_of_its_bearer_stand_in_a_masked_name(name: str) -> None:
    """The chat of whoever claims an invitation is asked with it, by the business (R126)."""
    assert "x•••" == masked(name)


@given(st.text(st.characters(), max_size=40))
def test_a_masked_name_never_steers_the_text_around_it(name: str) -> None:
    shown = masked(name)

    assert not any(unicodedata.category(char)[0] == "C" for char in shown)


@given(st.text(st.characters(categories=("L", "N")), min_size=4, max_size=40))
def test_a_masked_name_hides_all_but_one_letter(name: str) -> None:
    # A letter may come with a mark on it, or be made into one by the normal form.
    letters = [char for char in masked(name) if unicodedata.category(char)[0] != "M"]

    assert len(letters) <= len("x•••")


@pytest.mark.parametrize(
    "typed",
    [
        "jane@example.com ",
        " jane@example.com",
        "\tjane@example.com\n",
        "jane@example.com\u00a0",
        "\u3000jane@example.com",
        "\u200bjane@example.com",
        "\ufeffjane@example.com\u200b ",
        "\u202ajane@example.com\u202c",
        "jane@exam\u00adple.com",
        "jane\u2060@example.com",
        "jane@example.com\u200d",
        "\uff4a\uff41\uff4e\uff45\uff20example.com",
    ],
)
def test_what_keyboards_and_clipboards_add_to_a_name_does_not_count(typed: str) -> None:
    assert "jane@example.com" == meant_name(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Jane Doe", "Jane Doe"),
        ("Jane  Doe", "Jane  Doe"),
        ("O\u2019Brien", "O\u2019Brien"),
        ("E\u0301mile", "\u00c9mile"),
        ("\uff76\uff9e\uff77", "\u30ac\u30ad"),
        ("\u0645\u06cc\u200c\u0631", "\u0645\u06cc\u200c\u0631"),
        ("\ufb01n", "\ufb01n"),
        ("jane\0", "jane\0"),
        ("ja\tne", "ja\tne"),
        ("\ud800", "\ud800"),
        ("", ""),
    ],
)
def test_the_rest_of_a_name_stays(typed: str, meant: str) -> None:
    """RFC 8265, 3.4.1: NFC and the usual width; what is refused today still is."""
    assert meant == meant_name(typed)


def test_a_heap_of_accents_takes_no_time_to_read() -> None:
    """Its normal form takes a time that grows with its square."""
    heap = "a" + "\u0301\u0316" * 30_000

    assert heap is meant_name(heap)


@given(
    st.text(
        st.characters(codec="utf-8")
        | st.sampled_from(" \u00a0\u3000\uff4a\uff76\uff9e\u0301\u0958")
    )
)
def test_no_account_is_lost_by_what_a_name_means(typed: str) -> None:
    """Whoever was found by what they type is found by what it means."""
    try:
        found_by = local.canonical(typed)
    except local.UsernameRefused:
        return
    assert found_by == local.canonical(meant_name(typed))


@given(st.text(st.characters(codec="utf-8")))
def test_what_a_name_means_means_itself(typed: str) -> None:
    assert meant_name(typed) == meant_name(meant_name(typed))

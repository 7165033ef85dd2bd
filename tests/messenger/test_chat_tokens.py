"""Codes: every spelling is read, and no word or number is one (R131)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.linking import invitation_secrets
from app.messenger import chat_tokens
from app.messenger.chat_tokens import CODE_ALPHABET, code_in, is_code, is_ref, shown

CODES = st.text(CODE_ALPHABET, min_size=8, max_size=8).filter(is_code)


@given(CODES, st.sampled_from([" ", "-", "\u2011", "\u2013", "  ", "\t"]), st.booleans())
def test_a_code_is_read_in_every_spelling(code: str, between: str, is_small: bool) -> None:  # noqa: FBT001 - of hypothesis
    """R131: what is shown is read again as the same."""
    spelt = between.join(shown(code).split("-"))
    lookalikes = spelt.replace("0", "O").replace("1", "l")

    for typed in (spelt, lookalikes, f" {spelt}\n", f"\u2066{spelt}\u2069"):
        assert code == code_in(typed.lower() if is_small else typed)


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "12345678",
        "1234 5678",
        "lollipop",
        "hello there",
        "K7F2-M9Q",
        "K7F2-M9QAB",
        "my code is K7F2-M9QA",
        "K7F2-M9QU",
        "ABCDEFG2",
        "2345678A",
        "11110000",
        "O1I0L1O0",
        "",
        "Ⅷ7F2M9QA",
        "٣٤F2M9QA",
    ],
)
def test_a_word_or_a_number_is_no_code(text: str) -> None:
    """R131: an ordinary message costs no statement and no try."""
    assert code_in(text) is None


@given(st.text(min_size=1, max_size=40), st.text(min_size=16, max_size=16))
def test_derived_secrets_are_the_same_again_and_of_their_browser(secret: str, id_: str) -> None:
    """R131: nothing of them is stored, so a page that is loaded again computes them."""
    one = invitation_secrets.derived("key", secret, id_)

    assert one == invitation_secrets.derived("key", secret, id_)
    assert is_ref(one.ref)
    assert is_code(one.code)
    for other in (
        invitation_secrets.derived("key", f"{secret}x", id_),
        invitation_secrets.derived("key2", secret, id_),
        invitation_secrets.derived("key", secret, f"{id_}x"),
    ):
        assert one.ref != other.ref
        assert one.code != other.code


def test_a_ref_fits_into_an_m_me_link() -> None:
    """Of letters, digits and -_=, 2,083 at most (Meta, "m.me Links", 2025-07-01)."""
    ref = invitation_secrets.random().ref

    assert 47 == len(ref)
    assert is_ref(ref)
    assert not is_ref(ref[:-1])
    assert not is_ref(f"{ref}\n")


def test_a_thousand_random_codes_are_different() -> None:
    """R131: 40 bits, of which the rule of two and two leaves most."""
    codes = {invitation_secrets.random().code for _ in range(1000)}

    assert 1000 == len(codes)
    assert all(map(is_code, codes))


def test_no_secret_shows_in_a_repr() -> None:
    secrets = invitation_secrets.random()

    assert secrets.ref not in repr(secrets)
    assert secrets.code not in repr(secrets)
    assert chat_tokens.shown(secrets.code) == secrets.shown_code

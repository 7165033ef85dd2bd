"""R110: Graph's words reach the operator whole, and without what could be a token or an address."""

import base64
import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messenger.graph.words import words_of


@pytest.mark.parametrize(
    "text",
    [
        "(#200) For the messaging_account_linking field this permission is needed: pages_messaging",
        "(#100) Param subscribed_fields[1] must be one of {messaging_account_linking,feed}",
        'Unknown field "messaging_customer_information"',
        "(#10) Cette action n'a pas été envoyée en raison de règles de confidentialité en Europe.",
        "Error validating access token: Session has expired on Thursday, 19-Nov-26 10:00:00 PST.",
        "Object with ID '5649569919775209' does not exist",
        "(#12) deprecated for versions v2.4 and higher; use v26.0",
    ],
)
def test_field_names_numbers_and_other_languages_are_kept(text: str) -> None:
    assert text == words_of(text)


def test_of_a_long_text_head_and_tail_are_kept() -> None:
    """Which field is wrong stands behind the list of all that would be right."""
    fields = ", ".join(f"messaging_field_{letter * 9}" for letter in string.ascii_lowercase)
    text = f'(#100) Param subscribed_fields[1] must be one of {{{fields}}} - got "no_such_field"'

    shown = words_of(text)

    assert len(shown) <= 400
    assert shown.startswith("(#100) Param subscribed_fields[1] must be one of {messaging_field_a")
    assert shown.endswith('} - got "no_such_field"')
    assert " … " in shown


def tokens() -> st.SearchStrategy[str]:
    """Return strings of the shapes of Page tokens, app tokens, proofs and other secrets."""
    digests = st.binary(max_size=8).map(lambda seed: hashlib.sha512(seed).digest())
    plain = digests.map(lambda raw: base64.b64encode(raw, b"xY").decode().rstrip("="))
    return st.one_of(
        plain.map(lambda letters: f"EAAG{letters}ZD"),
        plain.map(lambda letters: letters[:26]),
        digests.map(lambda raw: f"519276104018077|{base64.urlsafe_b64encode(raw)[:27].decode()}"),
        digests.map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
        digests.map(lambda raw: base64.b64encode(raw).decode()),
        digests.map(lambda raw: raw.hex()[:32]),
        digests.map(lambda raw: raw.hex()[:64]),
    )


PUNCTUATION = st.sampled_from(
    ["", '"', "'", "(", ")", "=", "access_token=", "token:", ",", "%", "[0]:"]
)


@given(tokens(), PUNCTUATION, PUNCTUATION, st.text(max_size=20), st.text(max_size=20))
def test_nothing_that_looks_like_a_token_is_told(
    token: str, opening: str, closing: str, before: str, after: str
) -> None:
    """Wherever it stands, and whatever stands beside it."""
    shown = words_of(f"{before} {opening}{token}{closing} {after}")

    assert not any(token[start : start + 12] in shown for start in range(len(token) - 11))


@given(
    st.sampled_from(["https://{}/webhook", "http://{}", "ana.berg@{}", "www.{}", "{}/path?a=b"]),
    st.sampled_from(["shop.example", "a.shop.example"]),
    PUNCTUATION,
)
def test_no_address_is_told(form: str, host: str, beside: str) -> None:
    assert "example" not in words_of(f"Invalid URL {beside}{form.format(host)}{beside} given")


@given(st.text(max_size=1000))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    """No control character and no line break of theirs gets into a log or a terminal."""
    shown = words_of(text)

    assert shown.isprintable()
    assert len(shown) <= 400


@pytest.mark.parametrize("text", [None, 1, ["a"], {"a": 1}, True])
def test_what_is_no_text_is_nothing(text: object) -> None:
    assert not words_of(text)

"""The choice of a language by Accept-Language."""

from typing import Final

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from app.web.languages.choice import MOST_HEADER, choose
from app.web.languages.translation import direction

# Whether or not they are shipped.
ALL: Final = (
    *("en", "es", "pt-BR", "fr", "de", "it", "nl", "pl", "tr", "ar", "he", "hi", "bn", "id"),
    *("vi", "th", "fil", "ja", "ko", "zh-Hans", "zh-Hant"),
)
# What browsers send, then what they may, then what they must not.
HEADERS: Final = {
    "en-US,en;q=0.9": "en",
    "en-GB": "en",
    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7": "de",
    "de-AT": "de",
    "de-CH-1996": "de",
    "fr-CA,fr;q=0.9": "fr",
    "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5": "fr",
    "es-MX,es-419;q=0.9,es;q=0.8": "es",
    "es-419": "es",
    "it": "it",
    "nl-BE": "nl",
    "pl-PL": "pl",
    "tr-TR,tr;q=0.9": "tr",
    "ar-EG": "ar",
    "ar": "ar",
    "he-IL": "he",
    "iw-IL,iw;q=0.9": "he",
    "hi-IN": "hi",
    "bn-BD,bn;q=0.9": "bn",
    "id-ID": "id",
    "in-ID": "id",
    "vi-VN": "vi",
    "th-TH": "th",
    "fil-PH": "fil",
    "tl": "fil",
    "tl-PH,en;q=0.5": "fil",
    "ja-JP": "ja",
    "ko-KR,ko;q=0.9": "ko",
    "pt-BR": "pt-BR",
    "pt-PT,pt;q=0.9": "pt-BR",
    "pt": "pt-BR",
    "zh": "zh-Hans",
    "zh-CN,zh;q=0.9": "zh-Hans",
    "zh-SG": "zh-Hans",
    "zh-Hans-HK": "zh-Hans",
    "zh-TW,zh;q=0.9,en;q=0.8": "zh-Hant",
    "zh-HK": "zh-Hant",
    "zh-MO": "zh-Hant",
    "zh-Hant-TW": "zh-Hant",
    "zh-Hant-CN": "zh-Hant",
    "zh-TW-x-any": "zh-Hant",
    # By weight, and in the order written where the weights are equal.
    "fr;q=0.5,de;q=0.8": "de",
    "fr;q=0.5,de;q=0.5": "fr",
    "de;q=0.001,en;q=0": "de",
    "de;q=1.000,fr": "de",
    "de ; Q=0.2 , fr\t;\tq=0.3": "fr",
    # Not known, so the next one, or else the first of all.
    "sv-SE,da;q=0.9,de;q=0.3": "de",
    "sv-SE,sv": "en",
    "tlh": "en",
    "*": "en",
    "sv,*;q=0.5": "en",
    # Refused with q=0.
    "de;q=0": "en",
    "de;q=0,de-AT": "en",
    "de-AT;q=0,de;q=0.5": "de",
    "en;q=0": "es",
    "zh;q=0,zh-CN,fr;q=0.1": "fr",
    # Malformed parts are as if they were not there.
    "": "en",
    ",,;q=1,de": "de",
    "de;q=2,fr;q=0.1": "fr",
    "de;q=0.1234,fr;q=0.1": "fr",
    "de_DE,fr;q=0.1": "fr",
    "de;level=1,fr;q=0.1": "fr",
    "DE-de": "de",
    "ZH-hant": "zh-Hant",
    "dé": "en",
    "../../etc/passwd": "en",
    # Longer than any browser's.
    f"de,{'fr;q=0.5,' * 30}": "en",
}


@pytest.mark.parametrize(("header", "language"), HEADERS.items())
def test_a_person_reads_the_language_that_their_browser_asks_for(
    header: str, language: str
) -> None:
    assert language == choose(header, ALL)


@pytest.mark.parametrize(
    ("header", "offered", "language"),
    [
        ("de", ("fr", "de"), "de"),
        ("it", ("fr", "de"), "fr"),
        ("fr;q=0", ("fr", "de"), "de"),
        ("fr;q=0,de;q=0", ("fr", "de"), "fr"),
        ("de", ("fr",), "fr"),
        ("fr;q=0", ("fr",), "fr"),
        # Rather the other script than another language.
        ("zh-TW", ("en", "zh-Hans"), "zh-Hans"),
        ("en-XA", ("en", "en-XA"), "en-XA"),
        ("en-US", ("de", "en-XA"), "de"),
    ],
)
def test_only_what_is_offered_is_chosen(
    header: str, offered: tuple[str, ...], language: str
) -> None:
    """With a single language there is no choice; where none fits, it is the first."""
    assert language == choose(header, offered)


@pytest.mark.hypothesis
@given(
    header=st.one_of(
        st.text(max_size=2 * MOST_HEADER),
        st.lists(
            st.sampled_from([*ALL, "*", ",", ";", "q=", "0.5", "0", "-", "zh-TW", " ", "x"])
        ).map("".join),
    ),
    offered=st.lists(st.sampled_from(ALL), min_size=1, unique=True),
)
def test_any_header_chooses_one_that_is_offered(header: str, offered: list[str]) -> None:
    assert choose(header, offered) in offered


def test_a_page_is_written_in_the_direction_of_its_script() -> None:
    assert {name: Locale.parse(name, sep="-").text_direction for name in ALL} == {
        name: direction(name) for name in ALL
    }
    assert "ltr" == direction("en-XA")

# ruff: noqa: RUF001 - names in letters that look like others

import re
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, data, sampled_from, text, tuples

from app.messenger.display_names import MAX_LENGTH, clean_name, resembles, visible_name

ACUTE = "\u0301"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("Ana Berg", "Ana Berg"),
        ("\u202egreB anA\u2066", "greB anA"),
        ("Ana\x1b[2J\r\nBerg", "Ana[2JBerg"),
        (" Ana \t  Berg ", "Ana Berg"),
        # Vietnamese, Arabic and Hindi put two or three marks on a letter, never fifty.
        (f"Zoe{ACUTE * 50} B", f"Zoe{ACUTE * 3} B"),
        (f"e{ACUTE}e{ACUTE}" * 5, f"e{ACUTE}e{ACUTE}" * 5),
        ("\u200b\u2060", ""),
        ("L" * 10_000, "L" * MAX_LENGTH),
    ],
)
def test_a_name_cannot_reach_beyond_itself(given: str, left: str) -> None:
    """R82: neither over its line, nor into the next one, nor into a terminal."""
    assert left == clean_name(given)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana Berg", "Ana Berg"),
        ("Facebook user", None),
        ("FACEBOOK  User\u200b", None),
        ("messenger user", None),
        ("Facebook Users", "Facebook Users"),
        (" \u3164\u200b", None),
        # Marks on no letter: a joiner, variation selectors, a vowel of Khmer that is not written.
        ("\u034f \ufe0f\U000e0100", None),
        ("\u17b4", None),
        ("\U0001d159", None),
        ("娜", "娜"),
        ("", None),
    ],
)
def test_a_placeholder_names_nobody(name: str, shown: str | None) -> None:
    """R17: nor does what cannot be seen."""
    assert shown == visible_name(name)


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("Harbour Coffee", "Harbour Coffee"),
        ("HARBOUR COFFEE SUPPORT", "Harbour Coffee"),
        ("H a r b o u r - C o f f e e", "Harbour Coffee"),
        ("Har\u200bbour\u2060Coffee", "Harbour Coffee"),
        ("Нагbоuг Соffее", "Harbour Coffee"),
        ("Ηarbουr Cοffee", "Harbour Coffee"),
        ("Harb0ur C0ff33", "Harbour Coffee"),
        ("Hárböür Çoffeé", "Harbour Coffee"),
        ("𝐇𝐚𝐫𝐛𝐨𝐮𝐫 𝕮𝖔𝖋𝖋𝖊𝖊", "Harbour Coffee"),
        ("Ｈａｒｂｏｕｒ Ｃｏｆｆｅｅ", "Harbour Coffee"),
        ("🄷🄰🅁🅱🅾🆄🆁 🅒🅞🅕🅕🅔🅔", "Harbour Coffee"),
        ("Brickton IIbrary", "Brickton Library"),
        ("Harbour Pharrnacy", "Harbour Pharmacy"),
        ("Straßenbahn Wien", "STRASSENBAHN"),
        ("Кофейня Гавань", "кофейня гавань"),
        ("ΝΗΣΙΩΤΙΚΗ ΜΥΡΩΔΙΑ", "Νησιωτικη μυρωδια"),
    ],
)
def test_a_name_that_is_seen_as_the_brand_resembles_it(name: str, brand: str) -> None:
    """R15: somebody poses as the business, whatever letters are in the name."""
    assert resembles(name, brand)


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("Anna", "Café Anna"),
        ("Ana Berg", "Harbour Coffee"),
        ("Harbour", "Harbour Coffee"),
        ("Mia Bolton", "Bolt"),
        ("Anna Shop", "Shop 1"),
        ("Ana Berg", ""),
        ("", "Harbour Coffee"),
        ("", ""),
        ("Ana Berg", "🦊🦊🦊🦊🦊🦊"),
    ],
)
def test_a_persons_own_name_resembles_no_brand(name: str, brand: str) -> None:
    """R15: nor does a brand of less than six letters, which many people's names contain."""
    assert not resembles(name, brand)


LOOKALIKES: Final = {
    "a": "aAаΑ@𝐚á",
    "b": "bBВ𝐛",
    "c": "cCсС𝐜ç",
    "e": "eEеЕ3é",
    "f": "fF𝐟ｆ",
    "h": "hHНｈ",
    "o": "oOоО0ο",
    "r": "rR𝐫г",
    "u": "uU𝐮ü",
    "k": "kKкΚ",
    "t": "tTтΤ",
    "l": "lI1|ӏ",
}
SEEN_AS_NOTHING: Final = ["", " ", "\u200b", "\u00ad", ".", "-", "_", "\u2060 ", "🦊"]


@given(
    brand=text(sorted(LOOKALIKES), min_size=6, max_size=12),
    around=tuples(text(max_size=10), text(max_size=10)),
    data=data(),
)
def test_no_spelling_hides_the_brand(brand: str, around: tuple[str, str], data: DataObject) -> None:
    """R15: neither homoglyphs, nor case, spaces and signs between, nor words around it.

    Of the letters around, those that make another one with the first or last count as the brand's.
    """
    drawn = [
        data.draw(sampled_from(LOOKALIKES[letter])) + data.draw(sampled_from(SEEN_AS_NOTHING))
        for letter in brand
    ]
    before, after = (re.sub(r"\w", "z", words) for words in around)

    assert resembles(f"{before} {''.join(drawn)} {after}", brand)


@given(name=text(), brand=text())
def test_a_resemblance_is_one_however_the_two_are_written(name: str, brand: str) -> None:
    """R15: no name is an error, and case changes nothing."""
    assert resembles(name, brand) == resembles(name, unicodedata.normalize("NFKC", brand))
    assert resembles(brand, brand) == resembles(f"zz{brand}zz", brand)

"""Spellings of a name that stores take for the name itself."""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

# In all of them, the built-in accounts compare alike.
_EXACT: Final = (
    str,
    str.upper,
    lambda char: chr(ord(char) + 0xFEE0),  # full width
    lambda char: f"{chr(0x1D41A + ord(char) - ord('a'))}" if char.isalpha() else char,  # bold
)
# More that MySQL's _ai_ci collations compare alike, and Active Directory.
_MARKS: Final = "\u0300\u0301\u0308\u0327\u0338\u20dd\u3099"
_IGNORED: Final = " \u00a0\u2003-._'+/\u00b7\ufe0f"
_STROKES: Final = {
    "a": "\u1d43\u00aa",
    "o": "\u00f8\u00ba",
    "d": "\u0111\u00f0",
    "l": "\u0142\u2113",
}
_AROUND: Final = ("", " ", "\u00a0", "\u2003", "\u3000", "\t")


def exact_spellings(name: str) -> st.SearchStrategy[str]:
    """Return spellings of the ASCII *name* that `local.canonical` compares alike."""
    return st.tuples(st.sampled_from(_AROUND), *map(_exactly, name), st.sampled_from(_AROUND)).map(
        "".join
    )


def loose_spellings(name: str) -> st.SearchStrategy[str]:
    """Return spellings of the ASCII *name* that looser stores compare alike, too."""
    return st.tuples(*map(_loosely, name)).map("".join)


def _exactly(char: str) -> st.SearchStrategy[str]:
    changes: tuple[Callable[[str], str], ...] = _EXACT
    return st.sampled_from([change(char) for change in changes])


def _loosely(char: str) -> st.SearchStrategy[str]:
    letter = st.one_of(_exactly(char), st.sampled_from(_STROKES.get(char, char)))
    return st.tuples(letter, st.text(_MARKS + _IGNORED, max_size=2)).map("".join)

import pytest

from app.messenger.display_names import MAX_LENGTH, clean_name

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

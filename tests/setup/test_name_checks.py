"""The finding about names of people, by what Messenger tells of those who are linked (R17)."""

from collections.abc import Mapping

import pytest

from app.messenger.graph.profiles import Profile
from app.messenger.types import Psid
from app.setup.findings import Finding
from app.setup.name_checks import check_names

ANA, BEN = Psid("1"), Psid("2")
NAMED = Profile("Ana Berg", None, "profile")
NAMED_SECOND = Profile("Ana Berg", None, "conversations")
WITHHELD = Profile()
NO_ANSWER = Profile(source="unavailable")


def _found(
    people: Mapping[Psid, Profile], confirm_in_chat: str = "unnamed", *, production: bool = True
) -> list[Finding]:
    checks = check_names(
        "names of people",
        tuple(people),
        people.__getitem__,
        confirm_in_chat=confirm_in_chat,
        is_production=production,
    )
    return list(checks)


def test_without_anybody_linked_nothing_is_said() -> None:
    assert [] == _found({})


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ({ANA: NAMED, BEN: WITHHELD}, "by their profiles"),
        ({ANA: WITHHELD, BEN: NAMED}, "by their profiles"),
        ({ANA: NO_ANSWER, BEN: NAMED_SECOND}, "by the page's conversations"),
    ],
)
def test_one_person_who_is_named_is_enough(people: Mapping[Psid, Profile], words: str) -> None:
    """One whose profile is gone or hidden says nothing of the others."""
    (finding,) = _found(people)

    assert "ok" == finding.verdict
    assert words in finding.words
    assert "Ana" not in finding.words


@pytest.mark.parametrize(
    ("confirm_in_chat", "production", "verdict", "words"),
    [
        ("unnamed", True, "warning", "people are asked for a 6-digit code"),
        ("always", True, "warning", "people are asked for a 6-digit code"),
        ("never", True, "problem", "nothing shows a stranger"),
        ("never", False, "warning", "nothing shows a stranger"),
    ],
)
def test_names_that_are_withheld_are_a_problem_where_no_code_is_asked_for(
    confirm_in_chat: str, words: str, verdict: str, *, production: bool
) -> None:
    """R17: CONFIRM_IN_CHAT=never gives up all that protects, wherever names are withheld."""
    (finding,) = _found({ANA: WITHHELD, BEN: WITHHELD}, confirm_in_chat, production=production)

    assert verdict == finding.verdict
    assert "Messenger names nobody to this app" in finding.words
    assert words in finding.words
    assert ("CONFIRM_IN_CHAT=unnamed" in finding.fix) == (confirm_in_chat == "never")


def test_no_answer_says_nothing_of_names() -> None:
    (finding,) = _found({ANA: WITHHELD, BEN: NO_ANSWER}, "never")

    assert finding.is_unchecked

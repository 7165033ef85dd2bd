"""The check that Messenger names people to the app: else their names protect nobody."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.messenger.graph.profiles import Profile
from app.messenger.types import Psid
from app.setup.findings import Finding, ok, problem, unchecked, warning

# So that one person whose profile is gone or hidden is not taken for all.
PEOPLE: Final = 3

_NOBODY: Final = "Messenger names nobody to this app"
_AT_META: Final = "App Review at Meta: the feature Business Asset User Profile Access"


def check_names(
    subject: str,
    people: Sequence[Psid],
    ask: Callable[[Psid], Profile],
    *,
    confirm_in_chat: str,
    is_production: bool,
) -> Iterator[Finding]:
    """Report whether Messenger names one of *people*, who are linked; nothing if there are none."""
    sources = set()
    for psid in people:
        profile = ask(psid)
        if profile.name:
            where = "their profiles" if profile.source == "profile" else "the page's conversations"
            yield ok(subject, f"Messenger tells them, by {where}")
            return
        sources.add(profile.source)
    if sources == {"withheld"}:
        yield _nobody(subject, confirm_in_chat, is_production=is_production)
    elif sources:
        yield unchecked(subject, "Messenger gave no answer", "threadlink doctor")


def _nobody(subject: str, confirm_in_chat: str, *, is_production: bool) -> Finding:
    if confirm_in_chat != "never":
        words = f"{_NOBODY}: people are asked for a 6-digit code"
        return warning(subject, words, _AT_META)
    words = f"{_NOBODY}, and CONFIRM_IN_CHAT=never asks for no code: nothing shows a stranger"
    report = problem if is_production else warning
    return report(subject, words, f"CONFIRM_IN_CHAT=unnamed, or {_AT_META}")

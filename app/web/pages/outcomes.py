"""The pages that end an attempt or stop it: an icon, and what it says beside it."""

from dataclasses import dataclass, replace
from typing import Final, Self

from app.linking.attempt_status import AttemptStatus
from app.web.languages.message import N_, Message
from app.web.problems.pages import TRY_AGAIN_FROM_CHAT
from app.web.problems.problem import Problem

# The icons of templates/_icons.html.
_ICONS: Final = {
    "not_by_https": "wrench",
    "graph_refused": "wrench",
    "sign_in_misconfigured": "wrench",
    "internal": "wrench",
    "graph": "cloud-off",
    "graph_throttled": "cloud-off",
    "sign_in_unavailable": "cloud-off",
    "busy": "hand",
    "database_busy": "hand",
    "throttled": "hand",
    "digits_sent_too_often": "hand",
    "too_many_links": "hand",
    "digits_not_delivered": "speech",
    "attempt_expired": "hourglass-empty",
    "token_refused": "hourglass-empty",
    "too_late": "hourglass-empty",
    "session_over": "hourglass-empty",
    "region_refused": "globe-off",
    "not_found": "compass",
}
_ANY_OTHER: Final = "broken-link"
# Messenger itself stands in the way, so that another way to the business is of use.
_OFFERING_WEBSITE: Final = frozenset({"region_refused", "link_incomplete"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page without a form says; *next_step* is what the person does now."""

    icon: str
    title: Message
    sentence: Message
    next_step: Message | None = None
    offers_website: bool = False

    def with_page(self, page: str) -> Self:
        """Return this outcome with the name of the *page* in what the person does now."""
        step = self.next_step and self.next_step.with_values(page=page)
        return replace(self, next_step=step)


WAITING: Final = Outcome("clock", N_("Connecting…"), N_("This takes a few seconds."))
CANCELLED: Final = Outcome(
    "back-arrow", N_("Nothing was connected"), N_("To connect later, tap Log In in the chat.")
)
LINKED: Final = Outcome(
    "check",
    N_("You’re connected"),
    N_("You can use your %(page)s account in Messenger now."),
)
NEVER_CONFIRMED: Final = Outcome(
    "broken-link",
    N_("Not connected"),
    N_("Messenger didn’t finish the connection."),
    TRY_AGAIN_FROM_CHAT,
)
REFUSED: Final = Outcome(
    "broken-link",
    N_("Not connected"),
    N_("The connection didn’t go through."),
    TRY_AGAIN_FROM_CHAT,
)
PASSWORD_CHANGED: Final = Outcome(
    "check", N_("Your password is changed"), N_("Use it from now on.")
)
ASK_FOR_CODE: Final = Outcome(
    "speech",
    N_("Is this your Messenger?"),
    N_("We’ll send a 6-digit code to this Messenger profile."),
)

# The buttons of these pages, beside "Back to Messenger".
TRY_AGAIN: Final = N_("Try again")
START_AGAIN: Final = N_("Start again")
CONTINUE: Final = N_("Continue")
SEND_CODE: Final = N_("Send a code")


def outcome_of(status: AttemptStatus) -> Outcome:
    """Return what became of a confirmed or ended attempt."""
    match status.state:
        case "confirmed":
            return NEVER_CONFIRMED if status.code_is_dead else WAITING
        case "linked":
            return LINKED
        case "cancelled":
            return CANCELLED
        case _:
            return REFUSED


def outcome_of_problem(problem: Problem) -> Outcome:
    """Return the page of a *problem*."""
    icon = _ICONS.get(problem.name, _ANY_OTHER)
    return Outcome(
        icon,
        problem.title,
        problem.sentence,
        problem.next_step,
        offers_website=problem.name in _OFFERING_WEBSITE,
    )

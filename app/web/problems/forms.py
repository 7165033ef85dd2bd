"""Problems that a person reads on the form that they have sent."""

from typing import Final

from app.web.languages.message import N_, NN_, Message
from app.web.problems.problem import Problem

_LOG_IN: Final = N_("Log in")
_CHOOSE: Final = N_("Choose a new password")
_CONNECT: Final = N_("Connect to Messenger")

# It says of none of the fields that it is the wrong one (R60).
WRONG_CREDENTIALS: Final = Problem(
    422,
    "wrong_credentials",
    _LOG_IN,
    N_("Wrong email, username or password. Try again."),
    is_typed=True,
)
FIRST_PASSWORD_EXPIRED: Final = Problem(
    422,
    "password_expired",
    _LOG_IN,
    N_("This password was temporary and no longer works. Ask for a new one."),
    is_typed=True,
)
PASSWORD_TO_CHOOSE: Final = Problem(
    409, "password_to_choose", _CHOOSE, N_("Choose your own password first.")
)
WRONG_PASSWORD: Final = Problem(
    422,
    "wrong_password",
    _CHOOSE,
    N_("Your current password isn’t right. Try again."),
    is_typed=True,
)
PASSWORD_UNCHANGED: Final = Problem(
    422,
    "password_unchanged",
    _CHOOSE,
    N_("This is your current password. Choose another one."),
    is_typed=True,
)
_REFUSED_PASSWORDS: Final = {
    "name": N_("This password is little more than a name. Choose another one."),
    "guessable": N_("This password is easy to guess. Choose another one."),
    "stolen": N_("This password is in a list of stolen passwords. Choose another one."),
    "not_text": N_("This password contains a character that isn’t text. Choose another one."),
    "too_long": NN_(
        "A password can have up to %(num)d character. Choose a shorter one.",
        "A password can have up to %(num)d characters. Choose a shorter one.",
    ),
    "too_short": NN_(
        "A password needs at least %(num)d character. Choose a longer one.",
        "A password needs at least %(num)d characters. Choose a longer one.",
    ),
}
PASSWORD_NOT_ALLOWED: Final = "password_not_allowed"
# The field of the password page that each of these is about.
PASSWORD_FIELDS: Final = {
    WRONG_PASSWORD.name: "current",
    PASSWORD_UNCHANGED.name: "new",
    PASSWORD_NOT_ALLOWED: "new",
}
QUESTION_CHANGED: Final = Problem(
    409, "question_changed", _CONNECT, N_("This page has changed. Check it again.")
)
WRONG_DIGITS: Final = Problem(
    422,
    "wrong_digits",
    _CONNECT,
    N_("That code isn’t right. Check the newest message and try again."),
    is_typed=True,
)
PROVIDER_REFUSED: Final = Problem(
    422,
    "provider_refused",
    _LOG_IN,
    N_("%(provider)s couldn’t log you in. Try again, or log in another way."),
)
PROVIDER_DECLINED: Final = Problem(
    422,
    "provider_declined",
    _LOG_IN,
    N_(
        "You didn’t finish with %(provider)s, or it didn’t let you in. Try again, or log in "
        "another way."
    ),
)
PROVIDER_NOT_ADMITTED: Final = Problem(
    422,
    "provider_not_admitted",
    _LOG_IN,
    N_(
        "%(provider)s knows your account, but it can’t be used here. Ask whoever manages your "
        "account there, or log in another way."
    ),
)
PROVIDER_NOT_FRESH: Final = Problem(
    422,
    "provider_not_fresh",
    _LOG_IN,
    N_(
        "%(provider)s didn’t ask you to log in again. Log out there first, then try again here, "
        "or log in another way."
    ),
)
PROVIDER_MISCONFIGURED: Final = Problem(
    503,
    "provider_misconfigured",
    _LOG_IN,
    N_(
        "You can’t log in with %(provider)s right now. Something is wrong on our side, not with "
        "your details. Log in another way, or try later."
    ),
)
PROVIDER_AWAY: Final = Problem(
    503,
    "provider_away",
    _LOG_IN,
    N_("%(provider)s isn’t answering. Try again in a minute, or log in another way."),
    passes=True,
)
PROVIDER_NOT_HERE: Final = Problem(
    422,
    "provider_not_here",
    _LOG_IN,
    N_("%(provider)s doesn’t work inside Messenger. Log in another way."),
)
PROVIDER_NOWHERE: Final = Problem(
    422,
    "provider_nowhere",
    _LOG_IN,
    N_("%(provider)s doesn’t work inside Messenger, and there’s no other way to log in here yet."),
)


def refused_password(reason: str, *, num: int) -> Problem:
    """Return why a new password is not allowed, by the *reason* and number of PasswordRefused."""
    sentence: Message = _REFUSED_PASSWORDS[reason].with_values(num=num)
    return Problem(422, PASSWORD_NOT_ALLOWED, _CHOOSE, sentence, is_typed=True)

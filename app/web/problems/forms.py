"""Problems that a person reads on the form that they have sent."""

from typing import Final

from app.web.problems.problem import Problem

WRONG_CREDENTIALS: Final = Problem(
    422,
    "wrong_credentials",
    "Sign in",
    "That sign-in didn't work. Check your details and try again.",
    is_typed=True,
)
FIRST_PASSWORD_EXPIRED: Final = Problem(
    422,
    "password_expired",
    "Sign in",
    "This password was a first one, and is no longer valid. Please ask for a new one.",
    is_typed=True,
)
PASSWORD_TO_CHOOSE: Final = Problem(
    409, "password_to_choose", "Choose a password", "Please choose your own password first."
)
WRONG_PASSWORD: Final = Problem(
    422,
    "wrong_password",
    "Choose a password",
    "The present password is not right. Please try again.",
    is_typed=True,
)
PASSWORDS_DIFFER: Final = Problem(
    422,
    "passwords_differ",
    "Choose a password",
    "The two new passwords are not the same. Please type them again.",
    is_typed=True,
)
PASSWORD_UNCHANGED: Final = Problem(
    422,
    "password_unchanged",
    "Choose a password",
    "This is the present password. Please choose another.",
    is_typed=True,
)
# The rules say why, in the place of {}.
PASSWORD_NOT_ALLOWED: Final = Problem(
    422, "password_not_allowed", "Choose a password", "{}", is_typed=True
)
# The field of the password page that each of these is about.
PASSWORD_FIELDS: Final = {
    WRONG_PASSWORD.name: "current",
    PASSWORDS_DIFFER.name: "again",
    PASSWORD_UNCHANGED.name: "new",
    PASSWORD_NOT_ALLOWED.name: "new",
}
QUESTION_CHANGED: Final = Problem(
    409, "question_changed", "Connect", "This has changed meanwhile. Please read it again."
)
WRONG_DIGITS: Final = Problem(
    422, "wrong_digits", "Connect", "Those digits don't match. Please look again.", is_typed=True
)
PROVIDER_REFUSED: Final = Problem(
    422,
    "provider_refused",
    "Sign in",
    "Signing in with {} didn't work. Please try again, or sign in another way.",
)
PROVIDER_DECLINED: Final = Problem(
    422,
    "provider_declined",
    "Sign in",
    "You did not finish signing in with {0}, or {0} did not allow it. Try again, or sign in "
    "another way.",
)
PROVIDER_NOT_ADMITTED: Final = Problem(
    422,
    "provider_not_admitted",
    "Sign in",
    "{0} knows your account, but it may not be used here. Ask whoever manages your account at {0}, "
    "or sign in another way.",
)
PROVIDER_NOT_FRESH: Final = Problem(
    422,
    "provider_not_fresh",
    "Sign in",
    "{0} did not ask you to sign in again. Sign out at {0} first, then try again here, or sign in "
    "another way.",
)
PROVIDER_MISCONFIGURED: Final = Problem(
    503,
    "provider_misconfigured",
    "Sign in",
    "Signing in with {} is not set up correctly, so trying again does not help. Sign in another "
    "way, or tell us the reference below.",
)
PROVIDER_AWAY: Final = Problem(
    503,
    "provider_away",
    "Sign in",
    "{} does not answer right now. Try again in a minute, or sign in another way.",
    passes=True,
)
PROVIDER_NOT_HERE: Final = Problem(
    422,
    "provider_not_here",
    "Sign in",
    "{} can't be used inside this app. Please sign in another way.",
)
PROVIDER_NOWHERE: Final = Problem(
    422,
    "provider_nowhere",
    "Sign in",
    "{} can't be used inside this app, and there is no other way to sign in here yet.",
)

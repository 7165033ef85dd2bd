"""CSRF protection: a CSRF token per secret of an attempt or session, plus Sec-Fetch-Site/Origin.

Also the digest of the confirm page's question, so that a consent answers only what was shown.
"""

import hmac
from typing import Final, Protocol

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.linking.attempt_status import AttemptStatus
from app.linking.errors import AttemptOver
from app.linking.question import question_digest
from app.linking.values import Ticket
from app.web.exceptions import FormRefused
from app.web.pages import attempt_cookie, chat_code
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.request_guard import is_same_origin
from app.web.server.limits import MOST_PARAMETERS

# The hidden fields of the forms.
CSRF_TOKEN: Final = "form_token"
QUESTION: Final = "question"
# Longer than any name or password; the sign-in page repeats the name.
LONGEST_FIELD: Final = 4096

# That of a form without an enctype; our pages have no other.
_ENCODING: Final = "application/x-www-form-urlencoded"


class FormCookie(Protocol):
    """The part of a cookie that a form is bound to."""

    @property
    def ticket(self) -> Ticket: ...

    @property
    def form_key(self) -> bytes: ...

    @property
    def is_cut_down(self) -> bool: ...


def csrf_token(cookie: FormCookie) -> str:
    """Return the CSRF token that every form carries until the secret is renewed."""
    return hmac.digest(cookie.form_key, cookie.ticket.secret.encode(), "sha256").hex()


def question(cookie: AttemptCookie, status: AttemptStatus) -> str:
    """Return the digest of the question that the confirm form carries."""
    asks_code = chat_code.is_needed(status)
    return question_digest(status, cookie.ticket, asks_code=asks_code, key=cookie.form_key)


def check_form(cookie: FormCookie) -> None:
    """Check that the present POST comes from our page in the browser of *cookie*.

    Raises:
        FormRefused: Another site sent it, or its CSRF token is not of this secret.
        RequestEntityTooLarge: It has more fields than any form of ours, or a longer one.
    """
    if not is_same_origin():
        raise FormRefused
    check_fields()
    if cookie.is_cut_down:
        # All that is left to do is to go back, which changes nothing; any tab may do so.
        return
    token = request.form.get(CSRF_TOKEN, "").encode()
    if not hmac.compare_digest(token, csrf_token(cookie).encode()):
        raise FormRefused
    if any(len(value) > LONGEST_FIELD for value in request.form.values()):
        raise RequestEntityTooLarge


def check_fields() -> None:
    """Check that the body of the present POST is that of a form, and not of too many fields.

    Raises:
        FormRefused: It has another encoding than a form's.
        RequestEntityTooLarge: It has more fields than any form of ours.
    """
    if request.mimetype != _ENCODING:
        raise FormRefused
    # Counted first: to parse tens of thousands of fields takes long, whatever the token is.
    if request.get_data().count(b"&") >= MOST_PARAMETERS:
        raise RequestEntityTooLarge


def posted(attempt_id: str) -> AttemptCookie:
    """Return the cookie of the attempt that the present POST is for, after the CSRF checks.

    Raises:
        AttemptOver: All that the browser has left of the attempt is the way back.
        CookieAbsent: The browser has no cookie of this attempt.
        FormRefused: The form did not come from our page.
        RedirectRefused: REDIRECT_ORIGINS no longer allows the way back.
    """
    cookie = attempt_cookie.read(attempt_id)
    check_form(cookie)
    if cookie.is_cut_down:
        raise AttemptOver
    return cookie

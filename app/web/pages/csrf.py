"""Whether a form came from our own page in the same browser."""

import hmac
from collections.abc import Mapping
from typing import Final

from flask import request

from app.linking.attempts import AttemptStatus
from app.linking.values import User
from app.web.exceptions import FormRefused
from app.web.pages import attempt_cookie
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.request_guard import is_same_origin

FIELD: Final = "form_token"
QUESTION: Final = "question"


def form_token(held: AttemptCookie) -> str:
    """Return what a form of this attempt must carry."""
    return hmac.digest(held.form_key, held.ticket.secret.encode(), "sha256").hex()


def question(held: AttemptCookie, standing: AttemptStatus) -> str:
    """Return what stands, in the form that answers it, for who would be connected to whom."""
    user = standing.user or User("", "")
    asked = (held.ticket.secret, user.issuer, user.subject, str(standing.replaces))
    return hmac.digest(held.form_key, "\n".join(asked).encode(), "sha256").hex()


def answers_question(held: AttemptCookie, standing: AttemptStatus, form: Mapping[str, str]) -> bool:
    """Tell whether *form* was shown with the question of *standing*, and not with an older one."""
    given = form.get(QUESTION, "").encode()
    return hmac.compare_digest(given, question(held, standing).encode())


def check_form(held: AttemptCookie) -> None:
    """Make sure the present POST comes from our page in the browser that holds the attempt.

    Raises:
        FormRefused: Another site sent it, or its token is not this attempt's.
    """
    if not is_same_origin():
        raise FormRefused
    given = request.form.get(FIELD, "").encode()
    if not hmac.compare_digest(given, form_token(held).encode()):
        raise FormRefused


def posted(attempt_id: str) -> AttemptCookie:
    """Return what this browser holds of the attempt that it posts to, from a page of ours."""
    held = attempt_cookie.read(attempt_id)
    check_form(held)
    return held

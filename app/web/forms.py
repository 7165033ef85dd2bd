"""Whether a form came from our own page in the same browser."""

import hmac
from collections.abc import Mapping
from typing import Final

from flask import request

from app.linking.attempts import Standing
from app.linking.history import User
from app.services import services
from app.web.attempt_cookie import Held

FIELD: Final = "form_token"
QUESTION: Final = "question"


class FormRefused(Exception):
    """The form did not come from a page of ours in this browser, or from an old one."""


def form_token(held: Held) -> str:
    """Return what a form of this attempt must carry."""
    return hmac.digest(held.form_key, held.ticket.secret.encode(), "sha256").hex()


def question(held: Held, standing: Standing) -> str:
    """Return what stands, in the form that answers it, for who would be connected to whom."""
    user = standing.user or User("", "")
    asked = (held.ticket.secret, user.issuer, user.subject, str(standing.replaces))
    return hmac.digest(held.form_key, "\n".join(asked).encode(), "sha256").hex()


def answers_question(held: Held, standing: Standing, form: Mapping[str, str]) -> bool:
    """Tell whether *form* was shown with the question of *standing*, and not with an older one."""
    given = form.get(QUESTION, "").encode()
    return hmac.compare_digest(given, question(held, standing).encode())


def check_form(held: Held) -> None:
    """Make sure the present POST comes from our page in the browser that holds the attempt.

    Raises:
        FormRefused: Another site sent it, or its token is not this attempt's.
    """
    if not _is_same_origin():
        raise FormRefused
    given = request.form.get(FIELD, "").encode()
    if not hmac.compare_digest(given, form_token(held).encode()):
        raise FormRefused


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    # A page sent with "Referrer-Policy: no-referrer" posts "Origin: null" (measured in Chromium
    # 156), so that says nothing; the token decides then.
    origin = request.headers.get("Origin", "null")
    settings = services().settings
    scheme = settings.public_url.partition(":")[0]
    return origin == "null" or origin in {f"{scheme}://{host}" for host in settings.hosts}

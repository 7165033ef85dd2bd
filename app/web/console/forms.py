"""The forms of the console: each has a token of the session and of the address it is sent to.

The address names the act and the thing that it is done to, so that a token serves for nothing else
(R137). It is made with the secret of the session's cookie, of which the database has the hash.
"""

import hmac
from typing import Final

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.web.console import cookies
from app.web.console.problems import FormRefused
from app.web.current import services
from app.web.request_guard import is_origin_among
from app.web.server.limits import MOST_PARAMETERS

TOKEN: Final = "form_token"
LONGEST_FIELD: Final = 4096
_ENCODING: Final = "application/x-www-form-urlencoded"


def form_token(action: str) -> str:
    """Return the token of the form that is sent to the path *action* in this session."""
    ticket = cookies.session_ticket()
    return token_of(ticket.secret if ticket else "", action)


def entry_token(action: str) -> str:
    """Return the token of a form before the sign-in, for this browser."""
    return token_of(cookies.entry_secret(), action)


def check_form(secret: str) -> None:
    """Check that the present POST comes from our form, made with *secret*, for this address.

    Raises:
        FormRefused: Another site sent it, or it is of another session, act or thing.
        RequestEntityTooLarge: It has more fields than any form of ours, or a longer one.
    """
    if not _is_same_origin() or request.mimetype != _ENCODING or not secret:
        raise FormRefused
    if request.get_data().count(b"&") >= MOST_PARAMETERS:
        raise RequestEntityTooLarge
    token = request.form.get(TOKEN, "")
    if not hmac.compare_digest(token.encode(), token_of(secret, request.path).encode()):
        raise FormRefused
    if any(len(value) > LONGEST_FIELD for value in request.form.values()):
        raise RequestEntityTooLarge


def check_entry_form() -> None:
    """Do the same for a form before the sign-in.

    Raises:
        FormRefused: The form did not come from our page in this browser.
    """
    check_form(cookies.known_entry_secret() or "")


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return is_origin_among({services().settings.console.url or ""})


def token_of(secret: str, action: str) -> str:
    """Return the token, made with *secret*, of a form that is sent to the path *action*."""
    return hmac.digest(secret.encode(), f"form {action}".encode(), "sha256").hex()

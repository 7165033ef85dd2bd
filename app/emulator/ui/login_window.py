"""The login window: Log In opens the business's page, which returns to redirect_uri here."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.emulator.context import Emulator, current_emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.state import LinkingToken, Thread
from app.emulator.webhooks import events
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("login_window", __name__)
RETURN_PATH = "/messenger_platform/account_linking/"
# The faults that open the business's page without the way back.
_BARE = ("no-redirect-uri", "europe-page")
_SLOW_RETURN = timedelta(minutes=6)
_HINT = (
    "Next, your page sends this browser to redirect_uri, and a “return” appears here. If it does "
    "not: the person has not finished on your page, or your page redirects elsewhere. Does it "
    "refuse the redirect_uri? Its origin is {0}, where Messenger has facebook.com or "
    "messenger.com: allow it in your server (REDIRECT_ORIGINS={0} for Threadlink)."
)


@dataclass(frozen=True, slots=True)
class Return:
    """The outcome of a return; `thread` is the chat to go back to, where it is known."""

    outcome: Literal["linked", "declined", "failed"]
    failure: Failure | None = None
    thread: Thread | None = field(default=None, repr=False)


def login_url(url: str, *, token: str, origin: str | None) -> str:
    """Return *url* with account_linking_token and redirect_uri added to its query.

    Without *origin* there is no redirect_uri.
    """
    added = f"account_linking_token={token}"
    if origin is not None:
        redirect_uri = f"{origin}{RETURN_PATH}?account_linking_token={token}"
        # The token needs no encoding; redirect_uri is encoded once, with its slashes.
        added = f"{added}&redirect_uri={quote(redirect_uri, safe='')}"
    page, mark, fragment = url.partition("#")
    separator = "&" if "?" in page else "?"
    return f"{page}{separator}{added}{mark}{fragment}"


def open_login(emulator: Emulator, thread: Thread, url: str) -> ResponseReturnValue:
    """Redirect the person to the login page at *url*, with a new token for this tap."""
    token = emulator.state.issue_token(thread.page_id, thread.psid)
    fault = tuple(name for name in _BARE if emulator.faults.fires(name))
    address = login_url(url, token=token, origin=None if fault else emulator.public_origin())
    emulator.journal.add(
        Exchange(
            kind="browser",
            title=f"Log In, {thread.person}",
            at=emulator.clock(),
            method="GET",
            url=address,
            hint=_HINT.format(emulator.public_origin()),
            faults=fault,
        )
    )
    return redirect(address, 303)


def log_out(emulator: Emulator, thread: Thread) -> None:
    """End the link on Messenger's side, and deliver the event."""
    if not thread.linked:
        emulator.state.add_notice(thread.page_id, thread.psid, "You are not logged in.")
        return
    page = emulator.state.pages[thread.page_id]
    emulator.state.set_linked(thread.page_id, thread.psid, linked=False)
    emulator.state.add_notice(thread.page_id, thread.psid, f"You logged out of {page.name}.")
    emulator.dispatcher.enqueue(events.unlinked(thread))


# Messenger has used both forms: with the slash in captured requests, without it in
# https://developers.facebook.com/docs/messenger-platform/account-linking/authentication/ (2016).
@bp.get(RETURN_PATH)
@bp.get(RETURN_PATH.rstrip("/"))
def receive_return() -> ResponseReturnValue:
    """Receive the browser that the business sent back, and link if it has a code."""
    if request.method == "HEAD":
        # A preview must not use up the token.
        return Response()
    emulator = current_emulator()
    fault = ("slow-return",) if emulator.faults.fires("slow-return") else ()
    if fault:
        emulator.dispatcher.advance(_SLOW_RETURN)
    at = emulator.clock()
    result = _finish_linking(emulator, request.args)
    status = 200 if result.failure is None else 400
    emulator.journal.add(
        Exchange(
            kind="browser",
            title=f"return, {result.outcome}",
            at=at,
            method="GET",
            url=request.full_path,
            status=status,
            failure=result.failure,
            faults=fault,
        )
    )
    page = emulator.state.pages[result.thread.page_id] if result.thread else None
    html = render_template(
        "return.html",
        result=result,
        page=page,
        thread=result.thread,
    )
    return html, status


def _finish_linking(emulator: Emulator, args: MultiDict[str, str]) -> Return:
    names = ("account_linking_token", "authorization_code")
    if any(len(args.getlist(name)) > 1 for name in names):
        return Return("failed", failures.CODE_TWICE)
    if not args.get("account_linking_token"):
        return Return("failed", failures.TOKEN_MISSING)
    token = emulator.state.find_token(args["account_linking_token"])
    if token is None:
        return Return("failed", failures.TOKEN_UNKNOWN)
    thread = emulator.state.thread(token.page_id, token.psid)
    code = args.get("authorization_code")
    if code is None and "code" not in args:
        return Return("declined", thread=thread)
    failure = _refusal(emulator, token, code) or _link(emulator, thread, code or "")
    return Return("linked" if failure is None else "failed", failure, thread)


def _refusal(emulator: Emulator, token: LinkingToken, code: str | None) -> Failure | None:
    if code is None:
        return failures.CODE_NAMED_WRONGLY
    if not code:
        return failures.CODE_EMPTY
    if token.is_expired(emulator.clock()):
        return failures.TOKEN_EXPIRED
    return None if emulator.state.use_token(token.token) else failures.TOKEN_USED


def _link(emulator: Emulator, thread: Thread, code: str) -> Failure | None:
    failure = emulator.dispatcher.deliver(events.linked(thread, code))
    if failure is None:
        page = emulator.state.pages[thread.page_id]
        emulator.state.set_linked(thread.page_id, thread.psid, linked=True)
        emulator.state.add_notice(thread.page_id, thread.psid, f"You logged in to {page.name}.")
    return failure

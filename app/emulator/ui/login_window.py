"""Account linking as a person sees it: Log In leads to the business, and this is the way back."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.emulator.context import Emulator, emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.state import LinkingToken, Thread
from app.emulator.webhooks import events
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("linking", __name__)
RETURN_PATH = "/messenger_platform/account_linking/"
_SLOW = timedelta(minutes=6)
_HINT = (
    "Next, your page sends this browser to redirect_uri, and a “return” appears. If none does: "
    "your page has not been left yet, or has sent it elsewhere. Does it refuse the redirect_uri? "
    "Its origin here is {0}, where Messenger has facebook.com or messenger.com: let your server "
    "allow it (REDIRECT_ORIGINS={0} for Threadlink)."
)


@dataclass(frozen=True, slots=True)
class Return:
    """How a return ended; the thread is the one to go back to, where it is known."""

    outcome: Literal["linked", "declined", "failed"]
    failure: Failure | None = None
    thread: Thread | None = field(default=None, repr=False)


def login_address(url: str, *, token: str, origin: str | None) -> str:
    """Return where Log In leads: *url*, its own query kept, with token and way back added.

    Without *origin* there is no way back.
    """
    added = f"account_linking_token={token}"
    if origin is not None:
        redirect_uri = f"{origin}{RETURN_PATH}?account_linking_token={token}"
        # The token needs no encoding; redirect_uri gets it once, its slashes included.
        added = f"{added}&redirect_uri={quote(redirect_uri, safe='')}"
    page, mark, fragment = url.partition("#")
    separator = "&" if "?" in page else "?"
    return f"{page}{separator}{added}{mark}{fragment}"


def open_login(held: Emulator, thread: Thread, url: str) -> ResponseReturnValue:
    """Send the person to the business's login page at *url*, with a token minted for this tap."""
    token = held.state.mint_token(thread.page_id, thread.psid)
    fault = ("no-redirect-uri",) if held.faults.takes("no-redirect-uri") else ()
    address = login_address(url, token=token, origin=None if fault else held.own_origin())
    held.journal.add(
        Exchange(
            kind="browser",
            title=f"Log In, {thread.person}",
            at=held.clock(),
            method="GET",
            url=address,
            hint=_HINT.format(held.own_origin()),
            faults=fault,
        )
    )
    return redirect(address, 303)


def log_out(held: Emulator, thread: Thread) -> None:
    """End the link on Messenger's side and let the webhook hear of it."""
    if not thread.linked:
        held.state.add_notice(thread.page_id, thread.psid, "You are not logged in.")
        return
    page = held.state.pages[thread.page_id]
    held.state.set_linked(thread.page_id, thread.psid, linked=False)
    held.state.add_notice(thread.page_id, thread.psid, f"You logged out of {page.name}.")
    held.courier.deliver_later(events.unlinked(thread))


# Apps have been seen with and without the last slash (messenger-platform.md 1.3).
@bp.get(RETURN_PATH)
@bp.get(RETURN_PATH.rstrip("/"))
def arrive() -> ResponseReturnValue:
    """Take a browser back that the business has sent, and link if it brings a code."""
    if request.method == "HEAD":
        # A preview must not spend the token.
        return Response()
    held = emulator()
    fault = ("slow-return",) if held.faults.takes("slow-return") else ()
    if fault:
        held.courier.advance(_SLOW)
    at = held.clock()
    result = _take_back(held, request.args)
    status = 200 if result.failure is None else 400
    held.journal.add(
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
    page = held.state.pages[result.thread.page_id] if result.thread else None
    html = render_template(
        "return.html",
        result=result,
        page=page,
        thread=result.thread,
    )
    return html, status


def _take_back(held: Emulator, args: MultiDict[str, str]) -> Return:
    names = ("account_linking_token", "authorization_code")
    if any(len(args.getlist(name)) > 1 for name in names):
        return Return("failed", failures.CODE_TWICE)
    if not args.get("account_linking_token"):
        return Return("failed", failures.TOKEN_MISSING)
    token = held.state.find_token(args["account_linking_token"])
    if token is None:
        return Return("failed", failures.TOKEN_UNKNOWN)
    thread = held.state.thread(token.page_id, token.psid)
    code = args.get("authorization_code")
    if code is None and "code" not in args:
        return Return("declined", thread=thread)
    failure = _refusal(held, token, code) or _link(held, thread, code or "")
    return Return("linked" if failure is None else "failed", failure, thread)


def _refusal(held: Emulator, token: LinkingToken, code: str | None) -> Failure | None:
    if code is None:
        return failures.CODE_NAMED_WRONGLY
    if not code:
        return failures.CODE_EMPTY
    if token.is_expired(held.clock()):
        return failures.TOKEN_EXPIRED
    return None if held.state.use_token(token.token) else failures.TOKEN_USED


def _link(held: Emulator, thread: Thread, code: str) -> Failure | None:
    failure = held.courier.deliver(events.linked(thread, code))
    if failure is None:
        page = held.state.pages[thread.page_id]
        held.state.set_linked(thread.page_id, thread.psid, linked=True)
        held.state.add_notice(thread.page_id, thread.psid, f"You logged in to {page.name}.")
    return failure

"""m.me links: the address that opens a chat with a Page, in the chat of whoever is at the browser.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/discovery/m-me-links
"""

from typing import Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.emulator import referrals
from app.emulator.context import Emulator, current_emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.settings import PageSettings, is_text
from app.emulator.state import Thread
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("m_me", __name__, url_prefix="/m.me")

# Who is at this browser's Messenger: the PSID of the chat that it showed last.
_PERSON: Final = "person"
_NEWCOMERS: Final = ("Chloe Martin", "Dario Conti", "Emi Sato", "Femi Adeyemi", "Greta Lindqvist")
_LONGEST_NAME: Final = 80
_LONGEST_TEXT: Final = 2000


@bp.errorhandler(404)
def unknown(_error: HTTPException) -> tuple[str, int]:
    """Say that there is no such Page, as after a start of the emulator with other ids."""
    return render_template("gone.html"), 404


@bp.get("/<page>")
def follow(page: str) -> ResponseReturnValue:
    """Open the chat of the person at this browser; ask who it is where nobody is, or `choose` is.

    `ref` is told to the webhook, `text` is filled in.
    """
    if request.method == "HEAD":
        # A preview is nobody's visit.
        return Response()
    emulator, found = _page(page)
    ref, text = request.args.get("ref"), request.args.get("text", "")
    if ref is not None and not referrals.is_ref(ref):
        return _refuse(emulator, found)
    thread = _person_at_browser(emulator, found)
    if thread is not None and "choose" not in request.args:
        return _open(emulator, thread, ref, text)
    threads = emulator.state.threads(found.id)
    taken = {each.person for each in threads}
    return render_template(
        "m_me.html",
        page=found,
        choices=threads,
        address=page,
        ref=ref,
        text=text,
        newcomer=next((name for name in _NEWCOMERS if name not in taken), ""),
    )


@bp.post("/<page>")
def choose(page: str) -> ResponseReturnValue:
    """Open the chat of the person with the PSID `who`, or else of a newcomer called `name`."""
    emulator, found = _page(page)
    ref, text = request.form.get("ref"), request.form.get("text", "")
    if ref is not None and not referrals.is_ref(ref):
        return _refuse(emulator, found)
    thread = emulator.state.find_thread(found.id, request.form.get("who", ""))
    if thread is None:
        name = request.form.get("name", "").strip()
        if not name or len(name) > _LONGEST_NAME or not is_text(name):
            abort(400)
        of_person = emulator.state.add_person(name)
        thread = next(each for each in of_person if each.page_id == found.id)
    return _open(emulator, thread, ref, text)


def remember(response: Response, thread: Thread) -> Response:
    """Note in *response*, a chat's, who is at this browser: m.me links open their chat."""
    response.set_cookie(_PERSON, thread.psid, path=bp.url_prefix, httponly=True, samesite="Lax")
    return response


def _page(name: str) -> tuple[Emulator, PageSettings]:
    """Return the page with the id or the username *name*."""
    emulator = current_emulator()
    names = (name, name.casefold())
    pages = emulator.settings.pages
    found = next((each for each in pages if each.id in names or each.username in names), None)
    if found is None:
        abort(404)
    return emulator, found


def _person_at_browser(emulator: Emulator, page: PageSettings) -> Thread | None:
    psid = request.cookies.get(_PERSON)
    everybody = emulator.state.every_thread()
    person = next((each.person for each in everybody if each.psid == psid), None)
    threads = emulator.state.threads(page.id)
    return next((each for each in threads if each.person == person), None)


def _open(emulator: Emulator, thread: Thread, ref: str | None, text: str) -> ResponseReturnValue:
    failure, faults = (None, ()) if ref is None else referrals.arrive(emulator, thread, ref)
    _record(emulator, f"m.me, {thread.person}", failure, faults)
    filled_in = text[:_LONGEST_TEXT] or None
    address = url_for(
        "chat.show", page_id=thread.page_id, psid=thread.psid, ref=ref, text=filled_in
    )
    return redirect(address, 303)


def _refuse(emulator: Emulator, page: PageSettings) -> ResponseReturnValue:
    """Answer a link whose ref is none: what Messenger does with one is not documented."""
    _record(emulator, "m.me", failures.REF_MALFORMED, ())
    html = render_template("m_me_refused.html", page=page, failure=failures.REF_MALFORMED)
    return html, 400


def _record(
    emulator: Emulator, title: str, failure: Failure | None, faults: tuple[str, ...]
) -> None:
    emulator.journal.add(
        Exchange(
            kind="browser",
            title=title,
            at=emulator.clock(),
            method=request.method,
            url=request.full_path.rstrip("?"),
            status=400 if failure is failures.REF_MALFORMED else 303,
            failure=failure,
            faults=faults,
        )
    )

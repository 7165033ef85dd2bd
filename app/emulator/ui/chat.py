"""The chat on the phone: a person reads, types and taps buttons."""

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.emulator import referrals
from app.emulator.context import Emulator, current_emulator
from app.emulator.state import Button, Thread
from app.emulator.ui import login_window, m_me
from app.emulator.webhooks import events

bp = Blueprint("chat", __name__)

_LONGEST_MESSAGE = 2000


@bp.errorhandler(404)
def gone(_error: HTTPException) -> tuple[str, int]:
    """Offer a way out of a chat of an earlier start of the emulator, whose ids were different."""
    return render_template("gone.html"), 404


@bp.get("/")
def first() -> ResponseReturnValue:
    emulator = current_emulator()
    thread = emulator.state.threads(emulator.settings.pages[0].id)[0]
    return redirect(_chat_url(thread), 302)


@bp.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Answer browsers that ask without having read a page, which Graph would answer otherwise."""
    return redirect(url_for("static", filename="icon.svg"), 302)


@bp.get("/chats/<psid>")
def chats(psid: str) -> str:
    """Show every page that the person with *psid* can chat with."""
    emulator = current_emulator()
    everything = [
        thread for page_id in emulator.state.pages for thread in emulator.state.threads(page_id)
    ]
    thread = next((thread for thread in everything if thread.psid == psid), None)
    if thread is None:
        abort(404)
    return render_template(
        "chats.html",
        thread=thread,
        people=emulator.state.threads(thread.page_id),
        chats=[other for other in everything if other.person == thread.person],
        pages=emulator.state.pages,
    )


@bp.get("/t/<page_id>/<psid>")
def show(page_id: str, psid: str) -> Response:
    """Show the chat; `text` is filled in, and `ref` is that of the link that led here."""
    _, thread = _thread(page_id, psid)
    return m_me.remember(Response(_page("chat.html", page_id, psid)), thread)


@bp.get("/t/<page_id>/<psid>/details")
def details(page_id: str, psid: str) -> str:
    return _page("details.html", page_id, psid)


@bp.get("/t/<page_id>/<psid>/messages")
def messages(page_id: str, psid: str) -> ResponseReturnValue:
    """Return the messages alone, or 304 when the browser has the current version."""
    emulator, thread = _thread(page_id, psid)
    response = Response(
        render_template(
            "messages.html",
            thread=thread,
            page=emulator.state.pages[page_id],
            get_started=emulator.state.get_started(page_id),
        )
    )
    response.set_etag(str(thread.version))
    return response.make_conditional(request)


@bp.post("/t/<page_id>/<psid>/messages")
def say(page_id: str, psid: str) -> ResponseReturnValue:
    """Send what the person typed: add it to the thread and deliver it to the webhook."""
    emulator, thread = _thread(page_id, psid)
    text = request.form.get("text", "").strip()[:_LONGEST_MESSAGE]
    if text:
        emulator.dispatcher.enqueue(referrals.write(emulator, thread, text))
    return redirect(_chat_url(thread), 303)


@bp.post("/t/<page_id>/<psid>/get-started")
def get_started(page_id: str, psid: str) -> ResponseReturnValue:
    """Tap Get Started, the button of a thread without messages."""
    emulator, thread = _thread(page_id, psid)
    referrals.tap_get_started(emulator, thread)
    return redirect(_chat_url(thread), 303)


@bp.post("/t/<page_id>/<psid>/tap")
def tap(page_id: str, psid: str) -> ResponseReturnValue:
    """Press a button of a message: `message` is its id, `button` its index."""
    emulator, thread = _thread(page_id, psid)
    button = _tapped_button(thread)
    match button.kind:
        case "account_link":
            return login_window.open_login(emulator, thread, button.url)
        case "account_unlink":
            login_window.log_out(emulator, thread)
        case "postback":
            _send_postback(emulator, thread, button)
        case "quick_reply":
            event = referrals.write(emulator, thread, button.title, quick_reply=button.payload)
            emulator.dispatcher.enqueue(event)
        case "web_url":
            return redirect(button.url, 303)
    return redirect(_chat_url(thread), 303)


@bp.post("/t/<page_id>/<psid>/log-in")
def log_in(page_id: str, psid: str) -> ResponseReturnValue:
    """Open the account_linking_url of the Messenger profile, from the details of the chat."""
    emulator, thread = _thread(page_id, psid)
    url = emulator.state.linking_url(page_id)
    if url is None:
        return redirect(url_for(".details", page_id=page_id, psid=psid), 303)
    return login_window.open_login(emulator, thread, url)


@bp.post("/t/<page_id>/<psid>/log-out")
def log_out(page_id: str, psid: str) -> ResponseReturnValue:
    emulator, thread = _thread(page_id, psid)
    login_window.log_out(emulator, thread)
    return redirect(_chat_url(thread), 303)


def _send_postback(emulator: Emulator, thread: Thread, button: Button) -> None:
    message = referrals.say(emulator, thread, button.title)
    event = events.postback(thread, mid=message.id, title=button.title, payload=button.payload)
    emulator.dispatcher.enqueue(event)


def _tapped_button(thread: Thread) -> Button:
    index = request.form.get("button", -1, type=int)
    message_id = request.form.get("message")
    matching = (message.all_buttons for message in thread.messages if message.id == message_id)
    buttons = next(matching, ())
    if not 0 <= index < len(buttons):
        abort(404)
    button = buttons[index]
    is_gone = button.kind == "quick_reply" and message_id != thread.messages[-1].id
    if is_gone:
        abort(404)
    return button


def _thread(page_id: str, psid: str) -> tuple[Emulator, Thread]:
    emulator = current_emulator()
    thread = emulator.state.find_thread(page_id, psid)
    if thread is None:
        abort(404)
    return emulator, thread


def _page(template: str, page_id: str, psid: str) -> str:
    emulator, thread = _thread(page_id, psid)
    return render_template(
        template,
        thread=thread,
        page=emulator.state.pages[page_id],
        people=emulator.state.threads(page_id),
        linking_url=emulator.state.linking_url(page_id),
        get_started=emulator.state.get_started(page_id),
    )


def _chat_url(thread: Thread) -> str:
    return url_for("chat.show", page_id=thread.page_id, psid=thread.psid)

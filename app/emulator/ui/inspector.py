"""Every webhook, Graph call and hop of the browser, with what was wrong about it."""

import json
from datetime import timedelta
from typing import Any, Final

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.emulator.context import current_emulator
from app.emulator.ui import exports
from app.emulator.webhooks.journal import Entry, masked

bp = Blueprint("inspector", __name__, url_prefix="/inspector")

_LATE: Final = timedelta(hours=1)
# What can be asked for with ?only=, in the order of the page.
_FILTERS: Final = {
    "": "All",
    "webhook": "Webhooks",
    "graph": "Graph",
    "browser": "Browser",
    "failed": "Failed",
}


def register_template_helpers(app: Flask) -> None:
    """Give the templates of *app* what they need to show exchanges, wherever they do."""
    app.add_template_filter(masked, "masked")
    app.add_template_filter(_readable, "readable")
    app.context_processor(_furniture)


@bp.get("")
def show() -> str:
    return render_template("inspector.html")


@bp.get("/entries")
def entries() -> str:
    """Return what is newer than *after*, for a page that shows the rest already."""
    after = request.args.get("after", 0, type=int)
    return render_template("entries.html", entries=_shown(after))


@bp.get("/<int:number>")
def entry(number: int) -> str:
    """Show one exchange byte by byte; its secrets only when asked to."""
    return render_template("entry.html", entry=_found(number), unmasked="unmasked" in request.args)


@bp.get("/<int:number>/<any(curl, pytest):form>")
def copy(number: int, form: str) -> Response:
    """Return the request as a command or as a test; it works, so its secrets are in it."""
    make = exports.as_curl if form == "curl" else exports.as_pytest
    text = make(_found(number).exchange, current_emulator().public_origin())
    return Response(text, content_type="text/plain; charset=utf-8")


@bp.post("/<int:number>/again")
def again(number: int) -> ResponseReturnValue:
    """Send the same bytes once more."""
    exchange = _found(number).exchange
    if exchange.kind == "graph":
        with current_app.test_client() as client:
            client.open(
                exchange.url,
                base_url=current_emulator().public_origin(),
                method=exchange.method,
                headers=list(exchange.headers),
                data=exchange.body,
            )
    elif exchange.kind in {"webhook", "privacy"} and exchange.url:
        current_emulator().dispatcher.resend(exports.again(exchange))
    else:
        abort(404)
    return redirect(url_for(".show"), 303)


@bp.post("/<int:number>/late")
def late(number: int) -> ResponseReturnValue:
    """Send a delivery as if what is in it had happened an hour ago."""
    emulator = current_emulator()
    exchange = _found(number).exchange
    post = exports.late(emulator, exchange, _LATE) if exchange.url else None
    if post is None:
        abort(404)
    emulator.dispatcher.resend(post)
    return redirect(url_for(".show"), 303)


def _found(number: int) -> Entry:
    found = current_emulator().journal.find(number)
    if found is None:
        abort(404)
    return found


def _shown(after: int = 0) -> list[Entry]:
    only = request.args.get("only", "")
    everything = current_emulator().journal.entries(after=after)
    if only == "failed":
        return [entry for entry in everything if entry.exchange.failure]
    return [entry for entry in everything if only in {"", entry.exchange.kind}]


def _furniture() -> dict[str, Any]:
    return {
        "faults_on": len(current_emulator().faults.on()),
        "shown_entries": _shown,
        "filters": _FILTERS,
        "only": request.args.get("only", ""),
    }


def _readable(text: str) -> str:
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    # JSON can spell half of a surrogate pair, which no page could show.
    return shown.encode(errors="replace").decode()

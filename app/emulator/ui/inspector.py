"""The inspector: every webhook, Graph call and step of the browser, with its failure."""

import json
from dataclasses import replace
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
from app.emulator.privacy import status_page
from app.emulator.ui import exports
from app.emulator.ui.log_ins import OUTCOMES, Shown, grouped
from app.emulator.ui.narration import Narrator
from app.emulator.webhooks.journal import Entry, masked

bp = Blueprint("inspector", __name__, url_prefix="/inspector")

_LATE: Final = timedelta(hours=1)
# The values of ?only=, in the order of the page.
_FILTERS: Final = {
    "": "All",
    "webhook": "Webhooks",
    "graph": "Graph",
    "browser": "Browser",
    "failed": "Failed",
}


def register_template_helpers(app: Flask) -> None:
    """Register the filters and variables that the templates use to show exchanges."""
    app.add_template_filter(masked, "masked")
    app.add_template_filter(_readable, "readable")
    app.add_template_filter(status_page, "status_page")
    app.context_processor(_variables)


@bp.get("")
def show() -> str:
    return render_template("inspector.html")


@bp.get("/entries")
def entries() -> str:
    """Return the entries newer than `after`, for a page that shows the others already."""
    after = request.args.get("after", 0, type=int)
    return render_template("entries.html", places=_shown(after))


@bp.get("/<int:number>")
def entry(number: int) -> str:
    """Show one exchange as its raw bytes; secrets are masked unless requested."""
    return render_template("entry.html", entry=_entry(number), unmasked="unmasked" in request.args)


@bp.get("/<int:number>/<any(curl, pytest):form>")
def copy(number: int, form: str) -> Response:
    """Return the request as a command or a test; it contains the secrets, so that it works."""
    make = exports.as_curl if form == "curl" else exports.as_pytest
    text = make(_entry(number).exchange, current_emulator().public_origin())
    return Response(text, content_type="text/plain; charset=utf-8")


@bp.post("/<int:number>/again")
def again(number: int) -> ResponseReturnValue:
    """Send the same bytes again."""
    exchange = _entry(number).exchange
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
        current_emulator().dispatcher.resend(exports.same_request(exchange))
    else:
        abort(404)
    return redirect(url_for(".show"), 303)


@bp.post("/<int:number>/late")
def late(number: int) -> ResponseReturnValue:
    """Send a delivery as if its events had happened an hour ago."""
    emulator = current_emulator()
    exchange = _entry(number).exchange
    delivery = exports.late_delivery(emulator, exchange, _LATE) if exchange.url else None
    if delivery is None:
        abort(404)
    emulator.dispatcher.resend(delivery)
    return redirect(url_for(".show"), 303)


def _entry(number: int) -> Entry:
    entry = current_emulator().journal.find(number)
    if entry is None:
        abort(404)
    return entry


def _shown(after: int = 0) -> list[Shown]:
    """Return what the filter lets through, newest first, and only entries after *after*."""
    emulator, only = current_emulator(), request.args.get("only", "")
    everything = emulator.journal.entries()
    if not everything or everything[0].number <= after:
        return []
    narrator = Narrator(emulator.state, everything)
    shown = (
        replace(place, entries=[each for each in place.entries if _is_shown(each, only, after)])
        for place in grouped(emulator.state, narrator, everything)
    )
    return [place for place in shown if place.entries]


def _is_shown(entry: Entry, only: str, after: int) -> bool:
    exchange = entry.exchange
    matches = exchange.failure if only == "failed" else only in {"", exchange.kind}
    return entry.number > after and bool(matches)


def _variables() -> dict[str, Any]:
    emulator = current_emulator()
    return {
        "faults_on": len(emulator.faults.on()),
        "shown_entries": _shown,
        "narrator": lambda: Narrator(emulator.state, emulator.journal.entries()),
        "outcomes": OUTCOMES,
        "now": emulator.clock,
        "filters": _FILTERS,
        "only": request.args.get("only", ""),
    }


def _readable(text: str) -> str:
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    # JSON can hold a lone surrogate, which UTF-8 cannot encode.
    return shown.encode(errors="replace").decode()

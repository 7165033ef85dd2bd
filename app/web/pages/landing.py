"""The page at PUBLIC_URL itself: whose server this is, and the way into the chat."""

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.infra.network.addresses import is_loopback
from app.web.current import services
from app.web.pages.brands import NEUTRAL, brand_here, page_here

bp = Blueprint("landing", __name__)

# developers.facebook.com, Messenger Platform, "m.me links", read 2026-11.
CHAT_URL: Final = "https://m.me/{}"


@bp.get("/")
def landing() -> ResponseReturnValue:
    settings, page_id = services().settings, page_here()
    graph = settings.graph_url
    return render_template(
        "landing.html",
        brand=brand_here(),
        chat_url=None if page_id == NEUTRAL else CHAT_URL.format(page_id),
        # For whoever tries this out on their own machine.
        with_docs=not settings.is_production,
        emulator_url=graph if not settings.is_production and is_loopback(graph) else None,
    )

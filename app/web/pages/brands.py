"""A page's own colour and logo, under addresses that change with them."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort, url_for

from app.infra.settings.brands import PLAIN, Brand
from app.web.current import services

bp = Blueprint("brands", __name__, url_prefix="/brand/<page_id>/<digest>")

_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the templates need to know of a brand."""

    name: str
    logo_url: str | None
    style_url: str | None


def brand_of(page_id: str) -> Brand:
    """Return how *page_id* looks; a page that is not configured any more looks plain."""
    return next((p.brand for p in services().settings.pages if p.id == page_id), PLAIN)


def shown_brand(page_id: str) -> Shown | None:
    """Return what stands at the head of the pages of *page_id*, if anything does."""
    brand = brand_of(page_id)
    name = brand.name or services().page_names.get(page_id)
    if not name:
        return None
    logo_url = url_for("brands.logo", page_id=page_id, digest=brand.digest)
    style_url = url_for("brands.style", page_id=page_id, digest=brand.digest)
    return Shown(name, logo_url if brand.logo else None, style_url if brand.colour else None)


@bp.get("/style.css")
def style(page_id: str, digest: str) -> Response:
    return _lasting(Response(_wanted(page_id, digest).stylesheet, mimetype="text/css"))


@bp.get("/logo")
def logo(page_id: str, digest: str) -> Response:
    found = _wanted(page_id, digest).logo
    if found is None:
        abort(404)
    return _lasting(Response(found.content, mimetype=found.kind))


def _wanted(page_id: str, digest: str) -> Brand:
    brand = brand_of(page_id)
    if brand.digest != digest:
        abort(404)
    return brand


def _lasting(response: Response) -> Response:
    response.headers["Cache-Control"] = _FOREVER
    return response

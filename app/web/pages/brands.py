"""The colour and logo of a Facebook page, at addresses that change with their content."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, url_for

from app.infra.settings.brands import PLAIN, Brand
from app.web.current import services
from app.web.headers import IMMUTABLE

bp = Blueprint("brands", __name__, url_prefix="/brand/<page_id>/<digest>")


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of a brand that the templates show."""

    name: str
    logo_url: str | None
    style_url: str | None


def brand_of(page_id: str) -> Brand:
    """Return the brand of *page_id*, a plain one for a page that is no longer configured."""
    return next((p.brand for p in services().settings.pages if p.id == page_id), PLAIN)


def name_of(page_id: str) -> str:
    """Return the name of the business for a sentence; without one, the host that people see."""
    brand = shown_brand(page_id)
    return brand.name if brand else urlsplit(services().settings.public_url).netloc


def shown_brand(page_id: str) -> Shown | None:
    """Return the head of the sign-in pages of *page_id*, None where it has no name."""
    brand = brand_of(page_id)
    name = brand.name or services().page_names.get(page_id)
    if not name:
        return None
    logo_url = url_for("brands.logo", page_id=page_id, digest=brand.digest)
    style_url = url_for("brands.style", page_id=page_id, digest=brand.digest)
    return Shown(name, logo_url if brand.logo else None, style_url if brand.colour else None)


@bp.get("/style.css")
def style(page_id: str, digest: str) -> Response:
    return _immutable(Response(_brand_at(page_id, digest).stylesheet, mimetype="text/css"))


@bp.get("/logo")
def logo(page_id: str, digest: str) -> Response:
    image = _brand_at(page_id, digest).logo
    if image is None:
        abort(404)
    return _immutable(Response(image.content, mimetype=image.kind))


def _brand_at(page_id: str, digest: str) -> Brand:
    brand = brand_of(page_id)
    if brand.digest != digest:
        abort(404)
    return brand


def _immutable(response: Response) -> Response:
    response.headers["Cache-Control"] = IMMUTABLE
    return response

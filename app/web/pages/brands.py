"""The name and look of a Facebook Page: by the settings, else as Meta has them, else the host's.

Colours and pictures are at addresses that change with their content.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from flask import Blueprint, Response, abort, request

from app.infra.settings.brands import Brand
from app.services import page_looks
from app.services.page_looks import PageLook, look_of
from app.web.current import services
from app.web.headers import IMMUTABLE
from app.web.pages import marks

bp = Blueprint("brands", __name__)

# In place of a Page's id: what is shown where nothing tells which of several Pages is meant.
NEUTRAL: Final = "neutral"
_FOLDER: Final = "/brand/<page_id>/<digest>"
_A_DAY: Final = "public, max-age=86400"


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of a brand that the templates show; every page has one.

    *logo_url* None: there is no picture, and the name's *initial* stands for it.
    """

    name: str
    initial: str
    style_url: str
    icon_url: str
    logo_url: str | None
    # The keys "privacy", "terms" and "imprint" with their addresses, those that are set.
    links: tuple[tuple[str, str], ...] = ()
    website_url: str | None = None
    # False: nobody has told a name, and the host's is shown.
    is_named: bool = True


def brand_of(page_id: str) -> Brand:
    """Return the brand of *page_id*, that of the business for a page that is not configured."""
    return page_looks.brand_of(services().settings, page_id)


def shown_brand(page_id: str) -> Shown:
    """Return the brand that the pages of *page_id* show."""
    return _shown(_look_of(page_id))


def brand_here() -> Shown:
    """Return the brand of a page that belongs to no attempt."""
    return shown_brand(page_here())


def page_here() -> str:
    """Return the id of the Page that a page is of which belongs to no attempt.

    It is the only one; of several that of the client_id or page in the address, if it is one of
    them, else `NEUTRAL`: nobody's brand is lent to a page that is not theirs.
    """
    pages = services().settings.pages
    if len(pages) == 1:
        return pages[0].id
    asked = request.args.getlist("client_id") or request.args.getlist("page")
    return next((page.id for page in pages if [page.id] == asked), NEUTRAL)


@bp.get(f"{_FOLDER}/style.css")
def style(page_id: str, digest: str) -> Response:
    look = _look_at(page_id, digest)
    return _kept(Response(look.palette.stylesheet, mimetype="text/css"), IMMUTABLE)


@bp.get(f"{_FOLDER}/logo")
def logo(page_id: str, digest: str) -> Response:
    look = _look_at(page_id, digest)
    if look.logo is None:
        abort(404)
    return _kept(Response(look.logo.content, mimetype=look.logo.kind), IMMUTABLE)


@bp.get(f"{_FOLDER}/icon.svg")
def icon(page_id: str, digest: str) -> Response:
    return _kept(_svg(_look_at(page_id, digest)), IMMUTABLE)


@bp.get("/favicon.ico")
def favicon() -> Response:
    """Return the icon that browsers ask for on their own."""
    pages = services().settings.pages
    look = _look_of(pages[0].id if len(pages) == 1 else NEUTRAL)
    if look.logo is None:
        return _kept(_svg(look), _A_DAY)
    return _kept(Response(look.logo.content, mimetype=look.logo.kind), _A_DAY)


def _look_of(page_id: str) -> PageLook:
    return look_of(services().settings, services().page_profiles, page_id)


@lru_cache(maxsize=512)
def _shown(look: PageLook) -> Shown:
    folder = f"/brand/{look.page_id or NEUTRAL}/{_digest(look)}"
    icon_url = f"{folder}/icon.svg"
    mark_url = icon_url if _is_neutral(look) else None
    return Shown(
        name=look.name,
        initial=marks.initial_of(look.name),
        # Not by url_for(): for an invalid Host Flask makes no addresses, but its page needs some.
        style_url=f"{folder}/style.css",
        icon_url=icon_url,
        logo_url=f"{folder}/logo" if look.logo else mark_url,
        links=look.links,
        website_url=look.website_url,
        is_named=look.is_named,
    )


@lru_cache(maxsize=512)
def _digest(look: PageLook) -> str:
    """Return a hash of the style, the icon and the logo of *look*, for their addresses."""
    made = sha256()
    for part in (look.palette.stylesheet, _icon(look)):
        made.update(len(part).to_bytes(4))
        made.update(part.encode())
    made.update(look.logo.content if look.logo else b"")
    return made.hexdigest()[:16]


def _look_at(page_id: str, digest: str) -> PageLook:
    if page_id != NEUTRAL and page_id not in services().page_ids:
        abort(404)
    look = _look_of(page_id)
    if _digest(look) != digest:
        abort(404)
    return look


def _svg(look: PageLook) -> Response:
    response = Response(_icon(look), mimetype="image/svg+xml")
    # Opened by itself an SVG is a document.
    response.headers["Content-Security-Policy"] = marks.POLICY
    return response


def _kept(response: Response, cache_control: str) -> Response:
    response.headers["Cache-Control"] = cache_control
    return response


def _icon(look: PageLook) -> str:
    if _is_neutral(look):
        return marks.neutral(look.palette)
    return marks.monogram(marks.initial_of(look.name), look.palette)


def _is_neutral(look: PageLook) -> bool:
    return look.page_id is None and not look.is_named

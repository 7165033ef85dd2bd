import json
from collections.abc import Iterator
from typing import Any

import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, one_page, page_option
from app.infra import clock
from app.infra.observability.logs import printable
from app.infra.settings.brands import Logo
from app.infra.settings.pages import Page
from app.messenger.pictures import Picture
from app.messenger.types import PageId
from app.services.page_looks import PageLook, look_of
from app.setup import page_profiles
from app.setup.page_profiles import KnownProfiles
from app.setup.page_refresh import Refreshed

group = ServiceGroup("pages", help="Show the name and look of the Pages, and ask Meta for them.")

SOURCES = {
    "settings": "from the settings",
    "meta": "from Meta",
    "host": "the host of PUBLIC_URL: set PAGE_NAME, or threadlink pages refresh",
}
_NONE = "none"


@group.command()
@json_option
def show(*, as_json: bool) -> None:
    """Show what people see of each Page, and where it comes from.

    Example: threadlink pages show
    """
    built = services()
    # A server goes on with what it knows where the database is away; here that is to be told.
    read = built.read(page_profiles.read_all)
    kept = KnownProfiles(lambda _: read)
    looks = [(page, look_of(built.settings, kept, page.id)) for page in built.settings.pages]
    if as_json:
        told = [_as_json(page, look) for page, look in looks]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for page, look in looks:
        for line in _lines(page, look):
            click.echo(printable(line))


@group.command()
@page_option
@audited
def refresh(page: PageId | None) -> None:
    """Ask Meta now for names and pictures.

    Of all Pages, unless one is chosen. A running server shows what is new within a minute. Exit
    status 1 if Meta did not tell.

    Example: threadlink pages refresh
    """
    built, questions = services(), services().page_refresh()
    chosen = [one_page(page)] if page else sorted(built.page_ids)
    failures = 0
    for page_id in chosen:
        outcome = questions.refresh(page_id, clock.now(), anyway=True)
        # None is for those who do not insist.
        if outcome is None:
            continue
        for line in _changes_in(page_id, outcome):
            click.echo(printable(line))
        failures += bool(outcome.failure or outcome.picture_failure)
    if failures:
        raise SystemExit(1)


def _changes_in(page_id: str, outcome: Refreshed) -> Iterator[str]:
    """Yield what has changed of *page_id*, and what Meta did not tell."""
    before, after = outcome.before, outcome.after
    if outcome.failure:
        yield f"Page {page_id}: Graph did not tell: {outcome.failure}. What is known stays."
        return
    names = [name or _NONE for name in (before.name, after.name)]
    pictures = [_picture(picture) for picture in (before.picture, after.picture)]
    yield f"Page {page_id}: name {_change(*names, is_same=before.name == after.name)}"
    is_same = before.picture == after.picture
    yield f"Page {page_id}: picture {_change(*pictures, is_same=is_same)}"
    if outcome.picture_failure:
        yield f"Page {page_id}: its picture could not be fetched: {outcome.picture_failure}."


def _change(before: str, after: str, *, is_same: bool) -> str:
    return f"{after}, as before" if is_same else f"{before} -> {after}"


def _picture(picture: Picture | Logo | None) -> str:
    return f"{picture.kind}, {len(picture.content)} bytes" if picture else _NONE


def _lines(page: Page, look: PageLook) -> Iterator[str]:
    palette = look.palette
    yield f"Page {page.id}"
    yield f"  name     {look.name} ({SOURCES[look.name_source]})"
    logo = f" ({SOURCES[look.logo_source]})" if look.logo_source else ": the first letter is shown"
    yield f"  logo     {_picture(look.logo)}{logo}"
    yield f"  colour   {palette.fill}, ink {palette.ink}, contrast {palette.contrast:.2f}"
    yield f"  speaks   {' '.join(page.languages.offered)}"
    for key, url in (*look.links, ("website", look.website_url)):
        if url:
            yield f"  {key:<9}{url}"


def _as_json(page: Page, look: PageLook) -> dict[str, Any]:
    palette = look.palette
    return {
        "id": page.id,
        "name": look.name,
        "name_source": look.name_source,
        "logo": {"type": look.logo.kind, "bytes": len(look.logo.content)} if look.logo else None,
        "logo_source": look.logo_source,
        "colour": palette.fill,
        "ink": palette.ink,
        "contrast": round(palette.contrast, 2),
        "languages": list(page.languages.offered),
        "links": dict(look.links),
        "website_url": look.website_url,
    }

"""``threadlink attempts causes``: how far people come, and what keeps the others from a link."""

import json
from collections.abc import Iterator
from datetime import date

import click

from app.cli.context import ServiceCommand, services
from app.cli.options import json_option
from app.infra import clock
from app.linking.causes.cause import Stage
from app.linking.causes.table import CAUSES
from app.linking.statistics import STAGES, CountFilter, Statistics, statistics_of
from app.messenger.types import PageId


@click.command(cls=ServiceCommand)
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 3660), help="Today included."
)
@click.option("--page", "page_id", help="Of this Page alone.")
@json_option
def causes(days: int, page_id: str | None, *, as_json: bool) -> None:
    """Show how far people come, and what keeps the others from a link.

    An attempt is counted on the day on which it was opened (UTC), once it is over.

    Example: threadlink attempts causes --days 30
    """
    page = None if page_id is None else PageId(page_id)
    wanted = CountFilter.of_last(days, clock.now().date(), page_id=page)
    found, since = services().read(statistics_of, wanted), wanted.since
    if as_json:
        click.echo(json.dumps(_as_json(found, since, page_id)))
        return
    for line in _lines(found, since, page_id):
        click.echo(line)


def _as_json(found: Statistics, since: date, page_id: str | None) -> dict[str, object]:
    return {
        "since": since.isoformat(),
        "page_id": page_id,
        "reached": {stage.value: number for stage, number in found.reached.items()},
        "median_seconds": found.median_s,
        "under_way": found.under_way.total,
        "causes": [
            {"cause": slug, "fixed_by": _fixed_by(slug), "attempts": number}
            for slug, number in found.causes.items()
        ],
    }


def _lines(found: Statistics, since: date, page_id: str | None) -> Iterator[str]:
    opened = found.reached[Stage.OPENED]
    place = f"on Page {page_id}" if page_id else "on all Pages"
    attempts = "1 attempt" if opened == 1 else f"{opened:,} attempts"
    yield f"Since {since:%Y-%m-%d}, {place}: {attempts}; not over yet: {found.under_way.total:,}"
    if not opened:
        return
    for stage in STAGES:
        number, name = found.reached[stage], stage.value.replace("_", " ")
        yield f"  {name:<10}{number:>9,}{_share(number, opened):>7}{_pace(stage, found)}"
    if not found.causes:
        return
    missed = found.missed
    yield f"Why {missed:,} did not end with a link, and who can fix it:"
    for slug, number in found.causes.items():
        share = _share(number, missed)
        yield f"  {number:>9,}{share:>7}  {slug:<28}{_fixed_by(slug)}"
    yield "docs/support.md explains each. Next: threadlink attempts list --cause CAUSE"


def _pace(stage: Stage, found: Statistics) -> str:
    if stage is not Stage.LINKED or found.median_s is None:
        return ""
    within = f"within {found.median_s} seconds" if found.median_s else "in more than ten minutes"
    return f"   half of them {within}"


def _share(number: int, of: int) -> str:
    return f"{100 * number / of:.0f} %"


def _fixed_by(slug: str) -> str:
    # A cause that a former version has counted.
    cause = CAUSES.get(slug)
    return cause.fixed_by.value if cause else "unknown"

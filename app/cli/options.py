"""Options that several commands share."""

import getpass
import sys

import click

from app.messenger.types import PageId
from app.web.current import services


def _known_page(_ctx: click.Context, _param: click.Parameter, value: str | None) -> PageId | None:
    return None if value is None else PageId(value)


page_option = click.option(
    "--page",
    metavar="PAGE_ID",
    callback=_known_page,
    help="Only this page, where there are several.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def one_page(page: PageId | None) -> PageId:
    """Return the page that is meant.

    Raises:
        click.UsageError: There are several, or none by this id.
    """
    known = services().page_ids
    if page is None and len(known) == 1:
        return next(iter(known))
    if page in known:
        return PageId(page)
    raise click.UsageError(f"say --page with one of {', '.join(sorted(known))}")


def new_secret(what: str) -> str:
    """Return a secret typed twice at a terminal, or read from standard input where there is none.

    Raises:
        click.ClickException: The two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"{what}: ")
    if first != getpass.getpass(f"{what}, again: "):
        raise click.ClickException("the two differ; nothing was changed")
    return first

"""Options that several commands share."""

import getpass
import sys

import click

from app.cli.context import services
from app.messenger.types import PageId


def _page_id(_ctx: click.Context, _param: click.Parameter, value: str | None) -> PageId | None:
    return None if value is None else PageId(value)


page_option = click.option(
    "--page",
    metavar="PAGE_ID",
    callback=_page_id,
    help="Which Page, if there are several.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def one_page(page: PageId | None) -> PageId:
    """Return *page*, or the only page if *page* is None.

    Raises:
        click.UsageError: There are several pages, or none with this id.
    """
    known = services().page_ids
    if page is None and len(known) == 1:
        return next(iter(known))
    if page in known:
        return PageId(page)
    raise click.UsageError(f"choose a Page: --page with one of {', '.join(sorted(known))}")


def typed_secret(what: str) -> str:
    """Return a secret that is typed at a terminal, or else a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return getpass.getpass(f"{what}: ").strip()


def new_secret(what: str) -> str:
    """Return a secret that is typed twice at a terminal, or else a line of standard input.

    Raises:
        click.ClickException: The two entries do not match.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"{what}: ")
    if first != getpass.getpass(f"{what}, again: "):
        raise click.ClickException(f"the {what.lower()}s do not match; nothing was changed")
    return first

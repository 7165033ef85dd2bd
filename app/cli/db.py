from functools import partial

import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.infra.database import schema

group = ServiceGroup("db", help="Create, upgrade and check the database tables.")


@group.command()
@audited
def upgrade() -> None:
    """Create the tables, or upgrade them to this version.

    Example: threadlink db upgrade
    """
    before = schema.status(services().engine)
    if before.is_current:
        click.echo(f"Nothing to do: the tables are at {before.present}.")
        return
    if before.is_later:
        if not before.fits:
            raise click.ClickException(before.explanation)
        click.echo(f"Nothing to do: the tables are newer ({before.present}), and fit this version.")
        return
    schema.upgrade(services().engine, tell=partial(click.echo, err=True))
    click.echo(f"The tables are at {before.wanted} (before: {before.present or 'none'}).")
    click.echo("Next: threadlink accounts add USERNAME, then threadlink run")


@group.command()
def status() -> None:
    """Show the version of the tables.

    Exit status 1 if this version cannot run on them.

    Example: threadlink db status
    """
    tables = schema.status(services().engine)
    click.echo(f"present: {tables.present or 'none'}\nwanted:  {tables.wanted}")
    if not tables.fits:
        click.echo(tables.next_step)
        raise SystemExit(1)
    if tables.is_later:
        click.echo("The tables are of a later version, and fit this one.")

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
        raise click.ClickException(before.explanation)
    schema.upgrade(services().engine)
    click.echo(f"The tables are at {before.wanted} (before: {before.present or 'none'}).")
    click.echo("Next: threadlink accounts add USERNAME, then threadlink run")


@group.command()
def status() -> None:
    """Show the version of the tables.

    Exit status 1 if they need an upgrade.

    Example: threadlink db status
    """
    tables = schema.status(services().engine)
    click.echo(f"present: {tables.present or 'none'}\nwanted:  {tables.wanted}")
    if not tables.is_current:
        click.echo(tables.next_step)
        raise SystemExit(1)

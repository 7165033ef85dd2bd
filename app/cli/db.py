import click
from flask.cli import AppGroup

from app.cli.audit import audited
from app.infra.database import schema
from app.web.current import services

group = AppGroup("db", help="The database: make its tables, see how they stand.")


@group.command()
@audited
def upgrade() -> None:
    """Bring the tables to what this version wants.

    Example: threadlink db upgrade
    """
    before = schema.status(services().engine)
    if before.is_current:
        click.echo(f"Nothing to do: the tables are at {before.present}.")
        return
    schema.upgrade(services().engine)
    click.echo(f"The tables are at {before.wanted} (before: {before.present or 'none'}).")
    click.echo("Next: threadlink accounts add USERNAME, then threadlink run")


@group.command()
def status() -> None:
    """Say how the tables stand; exit status 1 when they need an upgrade.

    Example: threadlink db status
    """
    found = schema.status(services().engine)
    click.echo(f"present: {found.present or 'none'}\nwanted:  {found.wanted}")
    if not found.is_current:
        click.echo("Next: threadlink db upgrade")
        raise SystemExit(1)

import click
from flask.cli import with_appcontext

from app.cli.run import check_tables
from app.cli.signals import stopping
from app.services import services


@click.command()
@with_appcontext
def worker() -> None:
    """Do what commits have asked for, until told to stop. Any number may run.

    Example: threadlink worker
    """
    check_tables(services())
    with stopping() as stop:
        click.echo("Working. Ctrl-C stops it after what it is doing.", err=True)
        services().worker.run(stop)
    click.echo("Stopped.", err=True)

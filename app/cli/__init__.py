"""The command ``threadlink``: one file for each group of commands."""

from typing import Any

import click
from flask.cli import FlaskGroup

from app import create_app
from app.cli import (
    accounts,
    attempts,
    backup,
    db,
    demo,
    doctor,
    emulator,
    keys,
    links,
    messenger,
    outbox,
    run,
    serve,
    setup,
    worker,
)
from app.config import ConfigError
from app.messenger.errors import GraphError
from app.writer import NotCommitted

HELP = """Link Messenger people to the users of your business.

See it work without a Facebook app: threadlink demo
"""


class Commands(FlaskGroup):
    """Our commands, with every foreseen failure told in a sentence or two."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # Flask's way loads the application first, and --help must work without settings.
        return click.Group.list_commands(self, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as exc:
            faults = "\n".join(f"  {fault}" for fault in str(exc).splitlines())
            raise click.ClickException(
                f"these settings need attention (.env.example explains each):\n{faults}"
            ) from exc
        except NotCommitted as exc:
            raise click.ClickException(
                "the database is busy or away; nothing was changed. Try again."
            ) from exc
        except GraphError as exc:
            raise click.ClickException(f"Graph: {exc}") from exc


main = Commands(
    name="threadlink",
    help=HELP,
    create_app=create_app,
    add_version_option=False,
    load_dotenv=False,
)
click.version_option(package_name="threadlink", prog_name="threadlink")(main)
for command in (
    accounts.group,
    attempts.group,
    backup.backup,
    db.group,
    demo.demo,
    doctor.doctor,
    emulator.emulator,
    keys.group,
    links.group,
    messenger.group,
    outbox.group,
    run.run,
    serve.serve,
    setup.setup,
    worker.worker,
):
    main.add_command(command)

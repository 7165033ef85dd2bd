"""The command ``threadlink``: one file for each group of commands."""

from importlib import import_module
from typing import Any, Final

import click
from flask.cli import FlaskGroup

from app import create_app

HELP = """Link Messenger people to the users of your business.

See it work without a Facebook app: threadlink demo
"""

# Where each command is, and the first sentence of what it says of itself: a command is loaded when
# it is called, and none of them for the list of all.
COMMANDS: Final = {
    "accounts": ("accounts:group", "The built-in accounts."),
    "attempts": ("attempts:group", "Why somebody was linked, or was not."),
    "backup": (
        "backup:backup",
        "Copy the SQLite database to FILE while the server runs, and verify the copy.",
    ),
    "db": ("db:group", "The database: make its tables, see how they stand."),
    "demo": (
        "demo:demo",
        "Show an account being linked, on this machine and without a Facebook app.",
    ),
    "doctor": (
        "doctor:doctor",
        "Check everything that linking needs, here and at Meta",
    ),
    "emulator": (
        "emulator:emulator",
        "Run a Messenger on this machine, on loopback only: chat, Graph, webhooks, an inspector.",
    ),
    "keys": ("keys:group", "The keys your bot asks the API with."),
    "links": ("links:group", "Who is linked to whom."),
    "messenger": ("messenger:group", "One Graph call each."),
    "outbox": ("outbox:group", "What is still to be told to the bot and to Messenger."),
    "run": ("run:run", "Serve on this machine while developing, the worker inside."),
    "serve": ("serve:serve", "Serve in production, behind whatever speaks https."),
    "setup": (
        "setup:setup",
        "Tell Meta about this server: webhook, page subscriptions, where Log In leads.",
    ),
    "worker": ("worker:worker", "Do what commits have asked for, until told to stop."),
}


class Commands(FlaskGroup):
    """Our commands, with every foreseen failure told in a sentence or two."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # Flask's way loads the application first, and --help must work without settings.
        return sorted({*COMMANDS, *click.Group.list_commands(self, ctx)})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return super().get_command(ctx, name)
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(f"app.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        flasks = click.Group.list_commands(self, ctx)
        lines = {name: self.commands[name].get_short_help_str() for name in flasks}
        lines.update({name: words for name, (_, words) in COMMANDS.items()})
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as exc:
            # Here, because it loads what can fail, and whoever asks for help needs none of it.
            from app.cli.failures import sentence  # noqa: PLC0415

            told = sentence(exc)
            if told is None:
                raise
            raise click.ClickException(told) from exc


main = Commands(
    name="threadlink",
    help=HELP,
    create_app=create_app,
    add_version_option=False,
    load_dotenv=False,
)
click.version_option(package_name="threadlink", prog_name="threadlink")(main)

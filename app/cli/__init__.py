"""The command ``threadlink``: one file for each command or group of commands.

May import everything below it, and Flask nowhere; nothing imports it.
"""

import os
import sys
from importlib import import_module
from typing import Any, Final

import click

HELP = """Link Messenger people to the users of your business.

See it work without a Facebook app: threadlink demo
"""

# By section of --help: where each command is, and the first sentence of its own help. A command is
# imported when it is called, and none of them for the list of all.
SECTIONS: Final = {
    "Run": {
        "demo": ("demo:demo", "Try account linking on this machine, without a Facebook app."),
        "run": ("run:run", "Run the server and the worker for development."),
        "serve": ("serve:serve", "Run the server in production."),
        "worker": ("worker:worker", "Run the background worker: notices, forwarding, unlinks."),
    },
    "Set up": {
        "db": ("db:group", "Create, upgrade and check the database tables."),
        "setup": ("setup:setup", "Register this server with Meta: webhook, pages, Log In URL."),
        "doctor": (
            "doctor:doctor",
            "Check the settings, the database, sign-in and the setup at Meta.",
        ),
        "pages": ("pages:group", "Show the name and look of the Pages, and ask Meta for them."),
        "stream": ("stream:group", "Make the stream of NATS that BOT_MESSENGER_URL names."),
        "keys": ("keys:group", "Create, list and revoke the API keys of your bot."),
    },
    "People and links": {
        "accounts": ("accounts:group", "Add, change and remove the built-in accounts."),
        "attempts": ("attempts:group", "Explain why an attempt to link succeeded or failed."),
        "invitations": (
            "invitations:group",
            "Explain why an invitation made a link, or made none.",
        ),
        "links": ("links:group", "Show, end, export and import links."),
        "users": ("users:group", "Export and erase what is kept of a user."),
        "privacy": ("privacy:group", "List and do the privacy requests that Meta passes on."),
    },
    "Operate": {
        "operators": (
            "operators:group",
            "Add, change and remove the operators of the console.",
        ),
        "audit": ("audit_list:group", "Show what operators did and whom they looked at."),
        "outbox": ("outbox:group", "Inspect and replay queued notices and deliveries."),
        "alerts": ("alerts:group", "Try the alerts that go to your own address."),
        "backup": ("backup:backup", "Copy the SQLite database to FILE, and verify the copy."),
        "messenger": ("messenger:group", "Call Messenger's API by hand."),
    },
    "Develop": {
        "emulator": ("emulator:emulator", "Run a simulated Messenger on this machine."),
    },
}
COMMANDS: Final = {
    name: command for commands in SECTIONS.values() for name, command in commands.items()
}


class Commands(click.Group):
    """All commands, each imported on demand; expected failures end with a sentence or two."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        del ctx
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(f"app.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not ctx.resilient_parsing:
            from app.cli.suggestions import did_you_mean  # noqa: PLC0415 - --help does without

            hint = did_you_mean(name, COMMANDS)
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), summary) for name, (_, summary) in commands.items()]
                )

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        finally:
            # After the command's own last word, also if that is an error; --help loads no audit.
            if audit := sys.modules.get("app.cli.audit"):
                audit.print_lines()

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as exc:
            # Imported here: it loads the database's library, which --help does without.
            from app.cli.failures import sentence  # noqa: PLC0415

            message = sentence(exc)
            if message is None:
                raise
            raise click.ClickException(message) from exc


def _load_env_file(_ctx: click.Context, _param: click.Parameter, path: str | None) -> None:
    """Add the variables in the file at *path* to the environment, which keeps what it has."""
    if path is None:
        return
    # --help does without the settings.
    from app.infra.settings.parsing import SettingError  # noqa: PLC0415
    from app.infra.settings.reader import read_env_file  # noqa: PLC0415

    try:
        written = read_env_file(path)
    except SettingError as exc:
        raise click.UsageError(str(exc)) from None
    for name, value in written.items():
        os.environ.setdefault(name, value)


_ENV_FILE: Final = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_load_env_file,
    help="Read settings from FILE; they override .env, and the environment overrides both.",
)

main = Commands(name="threadlink", help=HELP, params=[_ENV_FILE])
click.version_option(package_name="threadlink", prog_name="threadlink")(main)

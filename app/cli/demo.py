import base64
import json
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import click

from app.accounts import local
from app.api_keys import service as keys
from app.cli import demo_bot, demo_day
from app.cli.emulator import announcing
from app.cli.listening import listening, listening_on_loopback
from app.cli.options import json_option
from app.cli.serving import serving
from app.cli.signals import stopping, wait
from app.emulator import (
    HARBOUR_COFFEE_LOGO,
    EmulatorServer,
    EmulatorSettings,
    PageSettings,
    demo_settings,
)
from app.infra import clock, private_files
from app.infra.database import schema
from app.infra.settings.production import DEMO_MARK
from app.messenger.types import PageId, Psid
from app.operators import accounts as operators
from app.operators.roles import Role
from app.services.container import Services, build
from app.services.settings import settings_from_env
from app.setup.plan import GET_STARTED_PAYLOAD

USERNAME: Final = "jane@example.com"
GREETING: Final = "Welcome! Log in to see your orders here in Messenger."
FOLDER: Final = Path("instance/demo")
HOST: Final = "127.0.0.1"
OPERATOR: Final = "demo"


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of the account and of the console's operator."""

    account: str = field(repr=False)
    operator: str = field(repr=False)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port of the server.",
)
@click.option(
    "--emulator-port",
    type=click.IntRange(0, 65535),
    default=8081,
    show_default=True,
    help="The port of the simulated Messenger.",
)
@json_option
def demo(port: int, emulator_port: int, *, as_json: bool) -> None:
    """Try account linking on this machine, without a Facebook app.

    Starts the server, an example bot and a simulated Messenger, each time with a new database and
    new secrets in a folder of its own. Reads no settings. Port 0 chooses a free port.

    Example: threadlink demo
    """
    with (
        _exclusive_folder() as folder,
        stopping() as stop,
        ExitStack() as stack,
        listening(HOST, 0) as bot_listener,
    ):
        listeners = [stack.enter_context(each) for each in listening_on_loopback(port)]
        bot_url = f"http://{HOST}:{bot_listener.getsockname()[1]}"
        port = listeners[0].getsockname()[1]
        url = f"http://{HOST}:{port}"
        emulator = replace(
            demo_settings(webhook_url=f"{url}/webhook"),
            data_deletion_url=f"{url}/privacy/data-deletion",
            deauthorize_url=f"{url}/privacy/deauthorize",
        )
        with _messenger(emulator, emulator_port) as messenger:
            env = _environment(folder, port, emulator, messenger.origin) | _bot_settings(bot_url)
            # For other commands while the demo runs: threadlink -e instance/demo/env ...
            private_files.write(
                folder / "env", "".join(f"{name}={text}\n" for name, text in env.items())
            )
            built = build(settings_from_env(env))
            passwords = _prepare(built, PageId(emulator.pages[0].id))
            announced = announcing(emulator, messenger.description)
            bot = demo_bot.running(bot_listener, _bot_environment(env, emulator, built))
            with bot, serving(built, *listeners), announced:
                _greet(built, messenger)
                (_print_json if as_json else _explain)(messenger, env, passwords)
                wait(stop)
    click.echo("Stopped.", err=as_json)


@contextmanager
def _exclusive_folder() -> Iterator[Path]:
    """Yield the demo's folder, emptied and locked until the block ends.

    Raises:
        click.ClickException: Another demo has it.
    """
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite's lock is available on every system, and ends with its process.
    with closing(sqlite3.connect(FOLDER / "lock", timeout=0)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            raise click.ClickException(
                f"the demo is already running in {FOLDER.absolute()}. Stop it with Ctrl-C."
            ) from exc
        for old in FOLDER.glob("*.sqlite*"):
            old.unlink()
        yield FOLDER.absolute()


def _messenger(settings: EmulatorSettings, port: int) -> EmulatorServer:
    try:
        return EmulatorServer(settings, host=HOST, port=port)
    except OSError as exc:
        raise click.ClickException(
            f"port {port} is in use: choose another with --emulator-port"
        ) from exc


def _environment(
    folder: Path, port: int, emulator: EmulatorSettings, messenger: str
) -> dict[str, str]:
    pages = folder / "pages.toml"
    private_files.write(pages, "\n".join(_page_table(page) for page in emulator.pages))
    return {
        "SECRET_KEY": f"{DEMO_MARK}{secrets.token_urlsafe(48)}",
        "PUBLIC_URL": f"http://{HOST}:{port}",
        # Another host, so that neither has the other's cookies.
        "CONSOLE_URL": f"http://localhost:{port}",
        "DATABASE_URL": f"sqlite:///{folder.as_posix()}/threadlink.sqlite",
        "APP_ID": emulator.app_id,
        "APP_SECRET": emulator.app_secret,
        "VERIFY_TOKEN": emulator.verify_token,
        "PAGES_FILE": str(pages),
        "GRAPH_URL": messenger,
        "REDIRECT_ORIGINS": messenger,
        "INVITATIONS": "1",
        "CONNECT_PAGE": "1",
        "CONNECTIONS_PAGE": "1",
        "M_ME_URL": f"{messenger}/m.me",
        "LOG_LEVEL": "warning",
        "LOG_FORMAT": "console",
    }


def _page_table(page: PageSettings) -> str:
    """Return the table of *page* in PAGES_FILE, with the brand that the chat shows too."""
    logo = HARBOUR_COFFEE_LOGO.as_posix()
    return f"""
[[pages]]
id = "{page.id}"
name = "{page.name}"
token = "{page.token}"

[pages.brand]
colour = "#0f766e"
logo = "{logo}"
help_url = "https://harbour-coffee.example/help"
sign_up_url = "https://harbour-coffee.example/join"
privacy_url = "https://harbour-coffee.example/privacy"
"""


def _bot_settings(bot_url: str) -> dict[str, str]:
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "BOT_WEBHOOK_URL": f"{bot_url}/notices",
        "BOT_WEBHOOK_SECRET": f"whsec_{secret}",
        "BOT_MESSENGER_URL": f"{bot_url}/messenger",
    }


def _bot_environment(
    env: Mapping[str, str], emulator: EmulatorSettings, built: Services
) -> dict[str, str]:
    """Return the bot's settings: its API key, the pages' tokens and the two webhook secrets."""
    scopes = [scope for scope in keys.SCOPES if scope != keys.INVITE]
    key = built.write(
        keys.issue, "demo bot", scopes=scopes, page_id=None, expires_at=None, at=clock.now()
    )
    tokens = {f"PAGE_ACCESS_TOKEN_{page.id}": page.token for page in emulator.pages}
    shared = {name: env[name] for name in ("APP_SECRET", "BOT_WEBHOOK_SECRET", "GRAPH_URL")}
    return {**shared, **tokens, "THREADLINK_URL": env["PUBLIC_URL"], "THREADLINK_KEY": key}


def _prepare(built: Services, page_id: PageId) -> Passwords:
    """Create the tables, an account, an operator and a day of attempts; return the passwords."""
    schema.upgrade(built.engine)
    passwords = Passwords(_password(), _password())
    at, hasher = clock.now(), built.hasher
    built.write(local.add, USERNAME, None, hasher.hash(passwords.account), at=at)
    built.write(operators.add, OPERATOR, Role.ADMIN, hasher.hash(passwords.operator), at=at)
    demo_day.generate(built, page_id, at=at)
    return passwords


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _greet(built: Services, messenger: EmulatorServer) -> None:
    """Set up the Messenger profile and send each person a Log In button, as one does at Meta."""
    for page in messenger.description["pages"]:
        page_id = PageId(page["id"])
        graph, url = built.graph[page_id], built.linking_url(page_id)
        graph.set_linking_url(url)
        graph.set_get_started(GET_STARTED_PAYLOAD)
        for person in page["people"]:
            graph.send_login_button(Psid(person["psid"]), text=GREETING, url=url)


def _print_json(messenger: EmulatorServer, env: Mapping[str, str], passwords: Passwords) -> None:
    ready = {
        "server_url": env["PUBLIC_URL"],
        "connect_url": f"{env['PUBLIC_URL']}/connect",
        "env_file": str((FOLDER / "env").absolute()),
    }
    account = {"username": USERNAME, "password": passwords.account}
    console = {
        "console_url": env["CONSOLE_URL"],
        "console_user": OPERATOR,
        "console_password": passwords.operator,
    }
    click.echo(json.dumps({**messenger.description, **ready, **account, **console}))


def _explain(messenger: EmulatorServer, env: Mapping[str, str], passwords: Passwords) -> None:
    urls = messenger.description
    click.echo(
        f"""
Threadlink is running with a simulated Messenger.

  1  Open the chat, say hi  {urls["chat_url"]}
  2  Tap Log In and use     {USERNAME}
                            {passwords.account}
  3  Connect, say hi again, then "log out"
  4  While linked, try      {_program()} -e {FOLDER}/env links show
  5  The other way round    {env["PUBLIC_URL"]}/connect
  6  See why it worked      {env["CONSOLE_URL"]}  {OPERATOR} / {passwords.operator}

  Requests between Messenger and the server:  {urls["inspector_url"]}
  The server:                                 {env["PUBLIC_URL"]}

Ctrl-C stops both."""
    )


def _program() -> str:
    """Return the command that runs this program in this folder, even if it is not on PATH."""
    program, here = Path(sys.argv[0]), Path.cwd()
    if shutil.which(program.name) == str(program) and not program.is_relative_to(here):
        return program.name
    return str(program.relative_to(here) if program.is_relative_to(here) else program)

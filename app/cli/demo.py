import base64
import json
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click

from app import create_app
from app.accounts import local
from app.api_keys import service as keys
from app.cli import demo_bot
from app.cli.emulator import leaving_word
from app.cli.listening import listening
from app.cli.options import json_option
from app.cli.serving import serving
from app.cli.signals import stopping, wait
from app.emulator import EmulatorServer, EmulatorSettings, demo_settings
from app.infra import clock
from app.infra.database import schema
from app.infra.settings.production import DEMO_MARK
from app.messenger.types import PageId, Psid
from app.services.container import Services, build
from app.services.settings import settings_from_env

USERNAME: Final = "jane@example.com"
GREETING: Final = "Welcome! Log in to see your orders here in Messenger."
FOLDER: Final = Path("instance/demo")
HOST: Final = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--emulator-port", type=click.IntRange(0, 65535), default=8081, show_default=True)
@json_option
def demo(port: int, emulator_port: int, *, as_json: bool) -> None:
    """Show an account being linked, on this machine and without a Facebook app.

    Starts the server and a pretended Messenger, each time with a new database and new secrets in
    a folder of its own; reads no settings. Port 0 takes any free one.

    Example: threadlink demo
    """
    with (
        _folder_of_our_own() as folder,
        stopping() as stop,
        listening(HOST, port) as listener,
        listening(HOST, 0) as bots,
    ):
        bot_url = f"http://{HOST}:{bots.getsockname()[1]}"
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        pretended = demo_settings(webhook_url=f"{url}/webhook")
        with _messenger(pretended, emulator_port) as messenger:
            env = _environment(folder, url, pretended, messenger.origin) | _bot_settings(bot_url)
            # For the other commands while the demo runs.
            _write(folder / "env", "".join(f"{name}={text}\n" for name, text in env.items()))
            built = build(settings_from_env(env))
            password = _prepare(built)
            word = leaving_word(pretended, messenger.description)
            bot = demo_bot.running(bots, _known_to_bot(env, pretended, built))
            with bot, serving(create_app(built), listener), word:
                _greet(built, messenger)
                (_print_json if as_json else _explain)(messenger, url, password)
                wait(stop)
    click.echo("Stopped.", err=as_json)


@contextmanager
def _folder_of_our_own() -> Iterator[Path]:
    """Yield the demo's folder, emptied; nobody else has it until the block ends."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The one lock that every system has and that goes with its process: SQLite's.
    with closing(sqlite3.connect(FOLDER / "lock", timeout=0)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            raise click.ClickException(
                f"the demo is running already, in {FOLDER.absolute()}. Stop that one with Ctrl-C."
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
    folder: Path, url: str, pretended: EmulatorSettings, messenger: str
) -> dict[str, str]:
    pages = folder / "pages.toml"
    tables = (
        f'[[pages]]\nid = "{page.id}"\nname = "{page.name}"\ntoken = "{page.token}"\n'
        for page in pretended.pages
    )
    _write(pages, "\n".join(tables))
    return {
        "SECRET_KEY": f"{DEMO_MARK}{secrets.token_urlsafe(48)}",
        "PUBLIC_URL": url,
        "DATABASE_URL": f"sqlite:///{folder.as_posix()}/threadlink.sqlite",
        "APP_ID": pretended.app_id,
        "APP_SECRET": pretended.app_secret,
        "VERIFY_TOKEN": pretended.verify_token,
        "PAGES_FILE": str(pages),
        "GRAPH_URL": messenger,
        "REDIRECT_ORIGINS": messenger,
        "LOG_LEVEL": "warning",
        "LOG_FORMAT": "console",
    }


def _bot_settings(bot_url: str) -> dict[str, str]:
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "BOT_WEBHOOK_URL": f"{bot_url}/notices",
        "BOT_WEBHOOK_SECRET": f"whsec_{secret}",
        "BOT_MESSENGER_URL": f"{bot_url}/messenger",
    }


def _known_to_bot(
    env: Mapping[str, str], pretended: EmulatorSettings, built: Services
) -> dict[str, str]:
    """Return what the bot is told: its key, the pages' tokens, the two secrets that it checks."""
    key = built.write(
        keys.issue, "demo bot", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    tokens = {f"PAGE_ACCESS_TOKEN_{page.id}": page.token for page in pretended.pages}
    shared = {name: env[name] for name in ("APP_SECRET", "BOT_WEBHOOK_SECRET", "GRAPH_URL")}
    return {**shared, **tokens, "THREADLINK_URL": env["PUBLIC_URL"], "THREADLINK_KEY": key}


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _prepare(built: Services) -> str:
    """Make the tables and one account; return its password."""
    schema.upgrade(built.engine)
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    built.write(local.add, USERNAME, None, built.hasher.hash(password), at=clock.now())
    return password


def _greet(built: Services, messenger: EmulatorServer) -> None:
    """Set the linking URL and send everybody a Log In button, as one does with the real one."""
    for page in messenger.description["pages"]:
        page_id = PageId(page["id"])
        graph, url = built.graph[page_id], built.linking_url(page_id)
        graph.set_linking_url(url)
        for person in page["people"]:
            graph.send_login_button(Psid(person["psid"]), text=GREETING, url=url)


def _print_json(messenger: EmulatorServer, url: str, password: str) -> None:
    ready = {"server_url": url, "env_file": str((FOLDER / "env").absolute())}
    account = {"username": USERNAME, "password": password}
    click.echo(json.dumps({**messenger.description, **ready, **account}))


def _explain(messenger: EmulatorServer, url: str, password: str) -> None:
    there = messenger.description
    click.echo(
        f"""
Threadlink is running with a Messenger of its own.

  1  Open the chat, say hi  {there["chat_url"]}
  2  Tap Log In and use     {USERNAME}
                            {password}
  3  Connect, say hi again, then "log out"
  4  While linked, look at  {_program()} -e {FOLDER}/env links show

  What Messenger and the server say to each other:  {there["inspector_url"]}
  The server:                                       {url}

Ctrl-C stops both."""
    )


def _program() -> str:
    """Return what to type in this folder to run this program, also where PATH does not have it."""
    program, here = Path(sys.argv[0]), Path.cwd()
    if shutil.which(program.name) == str(program) and not program.is_relative_to(here):
        return program.name
    return str(program.relative_to(here) if program.is_relative_to(here) else program)

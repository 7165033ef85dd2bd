import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from dotenv import dotenv_values

from app.cli.audit import audited
from app.infra import clock
from app.messenger.errors import GraphError
from app.services.container import build
from app.services.settings import settings_from_env
from app.setup import plan
from app.setup.meta_checks import Meta
from app.setup.plan import BadUndo, Change, ForeignWebhook, State, WebhookChange

UNDO_FOLDER: Final = Path("instance")
# What one finds in Meta's dashboard; the rest is chosen by the operator.
ASKED: Final = {
    "APP_ID": "App id (App settings > Basic)",
    "APP_SECRET": "App secret (App settings > Basic)",
    "PAGE_ID": "Page id",
    "PAGE_ACCESS_TOKEN": "Page access token (Messenger > Messenger API settings)",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before changing.")
@click.option("--take-webhook", is_flag=True, help="Take the app's webhook from whoever has it.")
@click.option(
    "--bot",
    is_flag=True,
    help="Subscribe messages and postbacks too; so it is with BOT_MESSENGER_URL.",
)
@click.option(
    "--undo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put back what FILE, written by an earlier setup, says.",
)
@audited
def setup(*, dry_run: bool, yes: bool, take_webhook: bool, bot: bool, undo: Path | None) -> None:
    """Tell Meta about this server: webhook, page subscriptions, where Log In leads.

    The server must be running and reachable at PUBLIC_URL, since Meta asks it at once. What is
    right already stays; a file says how to put the rest back.

    Example: threadlink setup --dry-run
    """
    settings = settings_from_env(_asked(_environment()))
    built = build(replace(settings, log_level="error", log_format="console"))
    meta = built.meta()
    before = plan.read_state(meta)
    fields = plan.BOT_FIELDS if bot or settings.bot.messenger_url else ()
    try:
        after = (
            State.from_json(undo.read_text(encoding="utf-8"))
            if undo
            else plan.wanted(before, meta, more_fields=fields, take_webhook=take_webhook)
        )
        changes = plan.changes(before, after)
    except ForeignWebhook as exc:
        raise click.ClickException(_FOREIGN.format(url=exc.url)) from exc
    except BadUndo as exc:
        raise click.ClickException(f"{undo} holds no state of these pages") from exc
    _show(changes)
    if not changes or dry_run:
        return
    if not yes and sys.stdin.isatty():
        click.confirm("Change this at Meta?", abort=True)
    kept = _keep(before)
    apply_all(meta, changes, verify_token=settings.verify_token, undo=kept)
    click.echo(f"Done. To put it back: threadlink setup --undo {kept}")
    if take_webhook and before.webhook and before.webhook.url != meta.webhook_url:
        click.echo(_TAKEN.format(url=before.webhook.url))
    click.echo("Next: threadlink doctor")


def apply_all(meta: Meta, changes: tuple[Change, ...], *, verify_token: str, undo: Path) -> None:
    """Make *changes*, telling each.

    Raises:
        click.ClickException: Meta refused one; those before it stand.
    """
    for change in changes:
        try:
            plan.apply(meta, change, verify_token=verify_token)
        except GraphError as exc:
            hint = _NOT_ANSWERED if isinstance(change, WebhookChange) else ""
            raise click.ClickException(
                f"Meta refused: {exc}\n{change}\n{hint}To put back what was changed before: "
                f"threadlink setup --undo {undo}"
            ) from exc


def _show(changes: tuple[Change, ...]) -> None:
    if not changes:
        click.echo("Nothing to change: Meta knows all it must.")
    for change in changes:
        click.echo(str(change))


def _keep(state: State) -> Path:
    """Write down what Meta has noted before it is changed; return where."""
    UNDO_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = UNDO_FOLDER / f"setup-undo-{clock.now():%Y%m%dT%H%M%S}.json"
    path.touch(mode=0o600)
    path.write_text(state.to_json(), encoding="utf-8")
    return path


def _environment() -> dict[str, str]:
    written = {name: text for name, text in dotenv_values(".env").items() if text is not None}
    return {**written, **os.environ}


def _asked(env: Mapping[str, str]) -> dict[str, str]:
    """Return *env* with what is missing of Meta's asked for, where somebody can answer."""
    if not sys.stdin.isatty():
        return dict(env)
    asked = dict(env)
    for name, words in ASKED.items():
        is_page = name.startswith("PAGE_")
        if env.get(name) or env.get(f"{name}_FILE") or (is_page and env.get("PAGES_FILE")):
            continue
        is_secret = name in {"APP_SECRET", "PAGE_ACCESS_TOKEN"}
        asked[name] = click.prompt(words, hide_input=is_secret).strip()
    return asked


_FOREIGN: Final = """the app's webhook leads to {url}: another program lives there.
To put Threadlink in its place: threadlink setup --take-webhook
That program then hears nothing any more unless Threadlink passes it on: set
BOT_MESSENGER_URL={url} here first, and restart."""
_TAKEN: Final = """The webhook led to {url} before. To keep that bot fed:
BOT_MESSENGER_URL={url}
Then restart. The bot needs no change: bodies and signatures pass unchanged."""
_NOT_ANSWERED: Final = """Meta asks the webhook at once: the server must be running at PUBLIC_URL,
with the same VERIFY_TOKEN. If this puts back another program's webhook, that program must answer to
our VERIFY_TOKEN; otherwise set it in the dashboard: Webhooks > Page > Edit subscription.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from sqlalchemy.exc import SQLAlchemyError

from app.cli.audit import audited
from app.infra import clock, private_files
from app.infra.database.writer import NotCommitted
from app.infra.settings.settings import Settings, read_environment
from app.messenger.errors import GraphError, GraphRefused
from app.services.container import Services, build
from app.services.settings import settings_from_env
from app.setup import plan
from app.setup.applying import NotApplied, apply_all
from app.setup.meta_checks import Meta
from app.setup.plan import Change, ForeignWebhook, WebhookChange
from app.setup.public_checks import check_reach_of
from app.setup.state import BadUndo, State, read_state

UNDO_FOLDER: Final = Path("instance")
# Settings to copy from Meta's dashboard, with where they are there.
PROMPTS: Final = {
    "APP_ID": "App id (App settings > Basic)",
    "APP_SECRET": "App secret (App settings > Basic)",
    "PAGE_ID": "Page id",
    "PAGE_ACCESS_TOKEN": "Page access token (Messenger > Messenger API settings)",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Show the changes and make none.")
@click.option("--yes", is_flag=True, help="Make the changes without asking.")
@click.option("--take-webhook", is_flag=True, help="Replace another program's webhook.")
@click.option(
    "--bot",
    is_flag=True,
    help="Also subscribe to messages and postbacks (default if BOT_MESSENGER_URL is set).",
)
@click.option(
    "--undo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Restore what FILE, written by an earlier setup, contains.",
)
@audited
def setup(*, dry_run: bool, yes: bool, take_webhook: bool, bot: bool, undo: Path | None) -> None:
    """Register this server with Meta: webhook, pages, Log In URL.

    The server must be running and reachable at PUBLIC_URL, because Meta verifies the webhook at
    once. Writes a file with which --undo restores the previous state.

    Example: threadlink setup --dry-run
    """
    settings = settings_from_env(_completed(read_environment()))
    built = build(replace(settings, log_level="error", log_format="console"))
    click.get_current_context().call_on_close(built.close)
    meta = built.meta()
    before = _state(meta)
    fields = plan.BOT_FIELDS if bot or settings.bot.gets_deliveries else ()
    try:
        after = (
            State.from_json(undo.read_text(encoding="utf-8"))
            if undo
            else plan.wanted(before, meta, more_fields=fields, take_webhook=take_webhook)
        )
        needed = () if undo else plan.needed_fields(meta, fields)
        changes = plan.changes(before, after, needed=needed)
    except ForeignWebhook as exc:
        raise click.ClickException(_FOREIGN.format(url=exc.url)) from exc
    except BadUndo as exc:
        raise click.ClickException(f"{undo} does not contain the state of these pages") from exc
    _show(changes)
    if dry_run:
        return
    if not changes:
        ask_for_names(built)
        return
    if not undo:
        _require_reach(settings)
    if not yes and sys.stdin.isatty():
        click.confirm("Make these changes at Meta?", abort=True)
    kept = _save(before)
    _apply(meta, changes, verify_token=settings.verify_token, undo=kept)
    click.echo(f"Done. To undo: threadlink setup --undo {kept}")
    if take_webhook and before.webhook and before.webhook.url != meta.webhook_url:
        click.echo(_TAKEN.format(url=before.webhook.url))
    ask_for_names(built)
    click.echo("Next: threadlink doctor")


def ask_for_names(built: Services) -> None:
    """Ask Meta for the pages' names and pictures; a database that is not there yet stops nothing.

    The worker asks again.
    """
    with suppress(NotCommitted, SQLAlchemyError):
        for _ in built.page_refresh().refresh_all(built.page_ids, clock.now()):
            pass


def _require_reach(settings: Settings) -> None:
    """Check that PUBLIC_URL leads here: Meta will send VERIFY_TOKEN there, and people to sign in.

    Raises:
        click.ClickException: It does not, or its server cannot prove that it is this one.
    """
    for finding in check_reach_of(settings):
        if finding.verdict == "problem":
            raise click.ClickException(
                f"nothing was changed: {finding.subject} {finding.words}.\nNext: {finding.fix}"
            )


def _state(meta: Meta) -> State:
    try:
        return read_state(meta)
    except GraphError as exc:
        raise click.ClickException(
            f"nothing was changed: Graph does not tell what is set up there: {exc}\n"
            "Next: threadlink doctor"
        ) from exc


def _apply(meta: Meta, changes: Sequence[Change], *, verify_token: str, undo: Path) -> None:
    """Make *changes* at Meta, and tell what Meta has left out of them.

    Raises:
        click.ClickException: Meta did not take one.
    """
    try:
        for made in apply_all(meta, changes, verify_token=verify_token):
            if made.left_out:
                click.echo(str(made))
    except NotApplied as exc:
        verb = "refused" if isinstance(exc.cause, GraphRefused) else "did not take"
        hint = _NOT_ANSWERED if isinstance(exc.change, WebhookChange) else ""
        raise click.ClickException(
            f"Meta {verb}: {exc.cause}\n{exc.change}\n{hint}{_undone(exc.left, undo)}"
        ) from exc


def _undone(left: Sequence[Change], undo: Path) -> str:
    if not left:
        return "Everything at Meta is as it was before."
    remaining = "\n".join(map(str, left))
    return (
        f"What was changed before is undone, except for this, which Meta did not take back:\n"
        f"{remaining}\nTo undo it later: threadlink setup --undo {undo}"
    )


def _show(changes: tuple[Change, ...]) -> None:
    if not changes:
        click.echo("Nothing to change: Meta is set up.")
    for change in changes:
        click.echo(str(change))


def _save(state: State) -> Path:
    """Write *state*, as it is at Meta before the changes, to a file; return its path."""
    path = UNDO_FOLDER / f"setup-undo-{clock.now():%Y%m%dT%H%M%S}.json"
    private_files.write(path, state.to_json())
    return path


def _completed(env: Mapping[str, str]) -> dict[str, str]:
    """Return *env*, with missing settings of Meta's asked for if there is a terminal."""
    if not sys.stdin.isatty():
        return dict(env)
    completed = dict(env)
    for name, words in PROMPTS.items():
        is_page = name.startswith("PAGE_")
        if env.get(name) or env.get(f"{name}_FILE") or (is_page and env.get("PAGES_FILE")):
            continue
        is_secret = name in {"APP_SECRET", "PAGE_ACCESS_TOKEN"}
        completed[name] = click.prompt(words, hide_input=is_secret).strip()
    return completed


_FOREIGN: Final = """the app's webhook is {url}, which belongs to another program.
To replace it: threadlink setup --take-webhook
That program then gets no more events unless Threadlink forwards them: first set
BOT_MESSENGER_URL={url} here, and restart."""
_TAKEN: Final = """The webhook was {url} before. To forward events to that bot, set:
BOT_MESSENGER_URL={url}
Then restart. The bot needs no change: bodies and signatures are forwarded unchanged."""
_NOT_ANSWERED: Final = """Meta verifies the webhook at once: the server must be running at
PUBLIC_URL with the same VERIFY_TOKEN. If this restores another program's webhook, that program must
accept our VERIFY_TOKEN; otherwise set it in the dashboard: Webhooks > Page > Edit subscription.
"""

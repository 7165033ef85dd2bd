import json
import os
from pathlib import Path

import click

from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.people import chosen_user, user_options
from app.infra import clock, private_files
from app.linking.values import User
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.user_data import export_user, forget_user

group = ServiceGroup("users", help="Export and erase what is kept of a user.")


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@user_options
@audited
def export(file: Path, *, user_name: str | None, issuer: str | None, subject: str | None) -> None:
    """Write everything that is kept of a user into FILE, as JSON.

    Nobody else can read FILE, and one that is there is never replaced.

    Example: threadlink users export --user jane@example.com jane.json
    """
    user = _one_user(user_name, issuer, subject)
    content = export_user(services().writer, user, at=clock.now())
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        private_files.create(file, text)
    except FileExistsError as exc:
        raise click.ClickException(f"{file} is there already; choose another name") from exc
    except OSError as exc:
        raise click.ClickException(f"{file}: {os.strerror(exc.errno or 0)}") from exc
    click.echo(
        f"{file} has what is kept of {_words(user)}: links {len(content['links'])}, attempts "
        f"{len(content['attempts'])}, events in the history {len(content['history'])}."
    )


@group.command()
@user_options
@click.confirmation_option(prompt="Erase everything that is kept of this user?")
@audited
def forget(*, user_name: str | None, issuer: str | None, subject: str | None) -> None:
    """End the links of a user, and erase everything that is kept of them.

    A built-in account is deleted. The ids of ended links stay for seven days, without names.
    docs/privacy.md says why, and what to do with backups.

    Example: threadlink users forget --user jane@example.com
    """
    user = _one_user(user_name, issuer, subject)
    gone = forget_user(
        services().writer,
        user,
        secret_keys=services().settings.secret_keys,
        policy=services().policy,
        at=clock.now(),
    )
    if not gone:
        raise click.ClickException(f"nothing is kept of {_words(user)}")
    click.echo(
        f"Erased of {_words(user)}: links that stood {gone.links}, Messenger people {gone.people}, "
        f"attempts {gone.attempts}, events in the history {gone.history}"
        f"{', the built-in account' if gone.account else ''}."
    )
    if gone.people:
        click.echo(
            f"The ids of the ended links stay for {TOMBSTONE_KEPT.days} days, then the worker "
            "erases them as well: threadlink privacy list"
        )


def _one_user(user_name: str | None, issuer: str | None, subject: str | None) -> User:
    user = chosen_user(user_name, issuer, subject)
    if user is None:
        raise click.UsageError("give --user, or --issuer and --subject")
    return user


def _words(user: User) -> str:
    return f"{user.issuer}:{user.subject}"

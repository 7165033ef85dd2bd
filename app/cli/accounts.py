import json
from collections.abc import Callable
from functools import partial

import click
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.first_passwords import LIFE
from app.accounts.local import AccountError, AccountUnknown, SubjectRetired
from app.accounts.passwords import PasswordRefused
from app.cli.accounts_import import import_
from app.cli.accounts_show import show
from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, new_secret
from app.infra import clock
from app.linking import account_changes

group = ServiceGroup("accounts", help="Add, change and remove the built-in accounts.")
group.add_command(import_)
group.add_command(show)

by_owner_option = click.option(
    "--by-owner",
    is_flag=True,
    help="The owner of the account has typed the password here: it need not be changed.",
)


@group.command()
@click.argument("username")
@click.option("--display-name", help="The name shown on the confirm page.")
@click.option(
    "--subject", help="Your own number for the user, which links and notices have; default: random."
)
@click.option(
    "--same-person",
    is_flag=True,
    help="With --subject: the deleted account that had it was of the same person.",
)
@by_owner_option
@audited
def add(
    username: str,
    display_name: str | None,
    subject: str | None,
    *,
    same_person: bool,
    by_owner: bool,
) -> None:
    """Add an account.

    Asks for the password at a terminal; otherwise reads it from standard input. It is a first
    password: who signs in with it is asked for another, and it expires after seven days. A subject
    cannot be changed later.

    Example: threadlink accounts add jane@example.com --subject 10042
    """
    if same_person and subject is None:
        raise click.UsageError("--same-person goes with --subject")
    password_hash = _hashed_new_password(username)
    try:
        services().write(
            local.add,
            username,
            display_name,
            password_hash,
            is_first=not by_owner,
            own_subject=subject,
            is_same_person=same_person,
            at=clock.now(),
        )
    except SubjectRetired as exc:
        raise click.ClickException(
            f"{exc} If this is the same person again, add --same-person."
        ) from exc
    except AccountError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(f"Added {username}. This person can now sign in when Messenger asks.")
    _tell_of_first(by_owner=by_owner)


@group.command()
@click.argument("username")
@by_owner_option
@audited
def set_password(username: str, *, by_owner: bool) -> None:
    """Change the password of USERNAME, and keep its links.

    Who signs in with it is asked for another, and it expires after seven days. Attempts to connect
    that have begun with the password of before end.

    Example: threadlink accounts set-password jane@example.com
    """
    if services().read(local.find, username) is None:
        raise click.ClickException(f"there is no account {username}")
    password_hash = _hashed_new_password(username)
    ended = services().write(
        account_changes.set_password, username, password_hash, is_first=not by_owner, at=clock.now()
    )
    click.echo(f"Changed the password of {username}; its links stay. Attempts ended: {ended}.")
    _tell_of_first(by_owner=by_owner)
    click.echo(f"To end them: threadlink accounts disable {username}")


@group.command()
@click.argument("username")
@audited
def disable(username: str) -> None:
    """Block USERNAME from signing in, and end its links.

    Example: threadlink accounts disable jane@example.com
    """
    count = _close(partial(local.disable, at=clock.now()), username)
    click.echo(f"{username} can no longer sign in; links ended: {count}.")
    click.echo(f"To undo: threadlink accounts enable {username}")


@group.command()
@click.argument("username")
@audited
def enable(username: str) -> None:
    """Allow USERNAME to sign in again.

    Links that were ended stay ended.

    Example: threadlink accounts enable jane@example.com
    """
    try:
        services().write(local.enable, username)
    except AccountUnknown as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(f"{username} can sign in again.")


@group.command()
@click.argument("username")
@click.confirmation_option(prompt="Delete the account and end its links?")
@audited
def delete(username: str) -> None:
    """Delete the account of USERNAME, and end its links.

    Example: threadlink accounts delete jane@example.com
    """
    count = _close(partial(local.delete, at=clock.now()), username)
    click.echo(f"Deleted {username}; links ended: {count}.")


@group.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the accounts by name.

    Example: threadlink accounts list
    """
    accounts = services().read(local.list_accounts)
    for account in accounts:
        if as_json:
            body = {"username": account.username, "subject": account.subject}
            disabled = account.disabled_at is not None
            name = account.display_name
            click.echo(json.dumps({**body, "display_name": name, "disabled": disabled}))
        else:
            click.echo(f"{account.username}{'  (disabled)' if account.disabled_at else ''}")
    if not accounts and not as_json:
        click.echo("There are no accounts. Next: threadlink accounts add USERNAME")


def _tell_of_first(*, by_owner: bool) -> None:
    if not by_owner:
        click.echo(
            f"The first sign-in asks for another password; this one serves for {LIFE.days} days."
        )


def _hashed_new_password(username: str) -> str:
    password = new_secret("Password")
    try:
        services().check_new_password(password, username)
    except (PasswordRefused, AuthenticatorUnavailable) as exc:
        raise click.ClickException(str(exc)) from exc
    return services().hasher.hash(password)


def _close(step: Callable[[Session, str], str], username: str) -> int:
    try:
        return services().write(
            account_changes.close_account, step, username, policy=services().policy, at=clock.now()
        )
    except AccountUnknown as exc:
        raise click.ClickException(str(exc)) from exc

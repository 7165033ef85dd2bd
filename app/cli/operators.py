import json
from collections.abc import Callable
from functools import partial
from typing import Final

import click
from sqlalchemy.orm import Session

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.passwords import PasswordRefused
from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, new_secret
from app.infra import clock
from app.operators import accounts, sessions
from app.operators.accounts import LEAST_PASSWORD, OperatorError
from app.operators.roles import Role

group = ServiceGroup("operators", help="Add, change and remove the operators of the console.")

role_option = click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="viewer sees no person, support looks people up and ends links, admin does everything.",
)
_OFF: Final = "There is no console yet. Next: set CONSOLE_URL (docs/settings.md)"


@group.command()
@click.argument("name")
@role_option
@audited
def add(name: str, role: str) -> None:
    """Add an operator who signs in to the console by NAME and a password.

    Asks for the password at a terminal; otherwise reads it from standard input.

    Example: threadlink operators add kim --role support
    """
    password_hash = _hashed_new_password(name)
    _write(
        partial(accounts.add, role=Role(role), password_hash=password_hash, at=clock.now()), name
    )
    click.echo(f"Added {name} as {role}.")
    url = services().settings.console.url
    click.echo(f"Sign in at {url}" if url else _OFF)


@group.command()
@click.argument("name")
@audited
def set_password(name: str) -> None:
    """Change the password of NAME, and end its sessions.

    Example: threadlink operators set-password kim
    """
    _known(name)
    password_hash = _hashed_new_password(name)
    count = _end_after(
        partial(accounts.set_password, password_hash=password_hash, at=clock.now()), name
    )
    click.echo(f"Changed the password of {name}. Sessions ended: {count}.")


@group.command()
@click.argument("name")
@role_option
@audited
def set_role(name: str, role: str) -> None:
    """Give NAME another role, from the next request on.

    Example: threadlink operators set-role kim --role admin
    """
    _write(partial(accounts.set_role, role=Role(role)), name)
    click.echo(f"{name} is now {role}.")


@group.command()
@click.argument("name")
@audited
def disable(name: str) -> None:
    """Keep NAME from signing in, and end its sessions.

    Example: threadlink operators disable kim
    """
    count = _end_after(partial(accounts.disable, at=clock.now()), name)
    click.echo(f"{name} can no longer sign in. Sessions ended: {count}.")
    click.echo(f"To undo: threadlink operators enable {name}")


@group.command()
@click.argument("name")
@audited
def enable(name: str) -> None:
    """Allow NAME to sign in again.

    Example: threadlink operators enable kim
    """
    _write(accounts.enable, name)
    click.echo(f"{name} can sign in again.")


@group.command()
@click.argument("name")
@click.confirmation_option(prompt="Delete the operator and end its sessions?")
@audited
def delete(name: str) -> None:
    """Delete NAME, and end its sessions. What NAME did stays in the audit.

    Example: threadlink operators delete kim
    """
    count = _end_after(accounts.delete, name)
    click.echo(f"Deleted {name}. Sessions ended: {count}.")


@group.command()
@click.argument("name")
@audited
def end_sessions(name: str) -> None:
    """End every session of NAME, who may sign in again.

    NAME may also be an actor of a provider, as `audit list` shows it.

    Example: threadlink operators end-sessions kim
    """
    actor = name if name.startswith("oidc:") else _known(name)
    count = services().write(sessions.end_all, actor, at=clock.now())
    click.echo(f"Sessions ended: {count}.")


@group.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the operators who sign in with a password here.

    Those of a provider are in CONSOLE_VIEWERS, CONSOLE_SUPPORT and CONSOLE_ADMINS.

    Example: threadlink operators list
    """
    known = services().read(accounts.list_operators)
    for operator in known:
        is_disabled = operator.disabled_at is not None
        if as_json:
            body = {"name": operator.name, "actor": operator.actor, "role": operator.role.value}
            click.echo(json.dumps({**body, "disabled": is_disabled}))
        else:
            click.echo(
                f"{operator.name}  {operator.role.value}{'  (disabled)' if is_disabled else ''}"
            )
    if not known and not as_json:
        click.echo("There are no operators. Next: threadlink operators add NAME --role admin")


def _known(name: str) -> str:
    """Return the actor of *name*."""
    operator = services().read(accounts.find, name)
    if operator is None:
        raise click.ClickException(f"there is no operator {name}")
    return operator.actor


def _end_after(step: Callable[[Session, str], str], name: str) -> int:
    """Run *step* on *name* and end the sessions of the actor that it returns; return how many."""

    def both(session: Session) -> int:
        return sessions.end_all(session, step(session, name), at=clock.now())

    try:
        return services().write(both)
    except OperatorError as exc:
        raise click.ClickException(str(exc)) from exc


def _write(step: Callable[[Session, str], object], name: str) -> None:
    try:
        services().write(step, name)
    except OperatorError as exc:
        raise click.ClickException(str(exc)) from exc


def _hashed_new_password(name: str) -> str:
    password = new_secret("Password")
    try:
        services().check_new_password(password, name, at_least=LEAST_PASSWORD)
    except (PasswordRefused, AuthenticatorUnavailable) as exc:
        raise click.ClickException(str(exc)) from exc
    return services().hasher.hash(password)

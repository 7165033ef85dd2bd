"""People as operators name them: by PSID, by the name of an account, by issuer and subject."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from app.accounts import local
from app.accounts.local import AccountValue
from app.cli.context import services
from app.linking.values import User

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_PSID: Final = 64


def user_options(command: F) -> F:
    """Add --user, --issuer and --subject to *command*."""
    for option in (
        click.option("--subject", help="The subject of a user; with --issuer."),
        click.option("--issuer", help="The issuer of a user, as `links show` prints it."),
        click.option("--user", "user_name", metavar="NAME", help="A built-in account."),
    ):
        command = option(command)
    return command


def chosen_user(user_name: str | None, issuer: str | None, subject: str | None) -> User | None:
    """Return the user that the options name, None where they name none.

    Raises:
        click.UsageError: They contradict each other.
        click.ClickException: There is no such account.
    """
    if (issuer is None) != (subject is None):
        raise click.UsageError("--issuer and --subject go together")
    if user_name is not None and issuer is not None:
        raise click.UsageError("give either --user, or --issuer and --subject")
    if user_name is not None:
        return User(local.ISSUER, account_of(user_name).subject)
    return User(issuer, subject) if issuer is not None and subject is not None else None


def account_of(name: str) -> AccountValue:
    """Return the built-in account of *name*, in any spelling.

    Raises:
        click.ClickException: There is none.
    """
    account = services().read(local.find, name)
    if account is None:
        raise click.ClickException(
            f"there is no built-in account {name}. Users of other authenticators: "
            "--issuer ISSUER --subject SUBJECT, as the bot and threadlink links show print them"
        )
    return account


def is_psid(text: str) -> bool:
    """Return whether *text* can be a PSID: Meta's are digits, the API takes any word of ours."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_PSID

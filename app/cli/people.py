"""People as operators name them: by PSID, by the name of an account, by issuer and subject."""

import shlex
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from app.accounts import local
from app.accounts.identity import meant_name
from app.cli.context import services
from app.linking import sign_in_names
from app.linking.values import User

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_PSID: Final = 64


def user_options(command: F) -> F:
    """Add --user, --issuer and --subject to *command*."""
    for option in (
        click.option("--subject", help="The subject of a user; with --issuer."),
        click.option("--issuer", help="The issuer of a user, as `links show` prints it."),
        click.option(
            "--user", "user_name", metavar="NAME", help="The name that a user signs in by."
        ),
    ):
        command = option(command)
    return command


def chosen_user(user_name: str | None, issuer: str | None, subject: str | None) -> User | None:
    """Return the user that the options name, None where they name none.

    Raises:
        click.UsageError: They contradict each other.
        click.ClickException: Nobody has this name, or several users have it.
    """
    if (issuer is None) != (subject is None):
        raise click.UsageError("--issuer and --subject go together")
    if user_name is not None and issuer is not None:
        raise click.UsageError("give either --user, or --issuer and --subject")
    if user_name is not None:
        return _user_named(user_name)
    return User(issuer, subject) if issuer is not None and subject is not None else None


def _user_named(name: str) -> User:
    account = services().read(local.find, name)
    hashes = services().name_hasher.candidates(meant_name(name))
    users = [User(local.ISSUER, account.subject)] if account else []
    users += services().read(sign_in_names.users_of, hashes)
    users = [*dict.fromkeys(users)]
    if not users:
        raise click.ClickException(
            f"nobody is known as {name}: there is no such built-in account, and no user who is "
            "linked or has signed in lately has this name. Ask for the reference on their page, or "
            "give --issuer ISSUER --subject SUBJECT, as the bot knows them"
        )
    if len(users) > 1:
        choices = (
            shlex.join(("--issuer", user.issuer, "--subject", user.subject)) for user in users
        )
        raise click.ClickException(
            f"{len(users)} users are known as {name}. Choose one, who need not be the one that "
            "writes to you: a provider does not vouch for names.\n  " + "\n  ".join(choices)
        )
    return users[0]


def is_psid(text: str) -> bool:
    """Return whether *text* can be a PSID: Meta's are digits, the API takes any word of ours."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_PSID

"""``threadlink accounts show``: one built-in account, with its links and its last attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
import msgspec

from app.accounts import local
from app.accounts.first_passwords import LIFE
from app.accounts.local import AccountValue
from app.cli.attempts_list import lines
from app.cli.context import ServiceCommand, services
from app.cli.links import line
from app.cli.options import json_option
from app.infra import clock
from app.infra.observability.logs import printable
from app.linking import attempt_queries, link_queries
from app.linking.attempt_object import object_of
from app.linking.attempt_queries import AttemptFilter
from app.linking.link_object import object_of as link_object
from app.linking.timeline import Timeline
from app.linking.values import LinkValue, User

ATTEMPTS: Final = 5


@click.command(cls=ServiceCommand)
@click.argument("username")
@json_option
def show(username: str, *, as_json: bool) -> None:
    """Show the account of USERNAME, its links and last attempts.

    Wrong passwords belong to an attempt, not to an account: the person's reference leads to them.

    Example: threadlink accounts show jane@example.com
    """
    account = services().read(local.find, username)
    if account is None:
        raise click.ClickException(
            f"there is no account {username}. To find another spelling: threadlink accounts list"
        )
    user = User(local.ISSUER, account.subject)
    links = services().read(link_queries.links_of_user, user)
    attempts = (
        services()
        .read(
            attempt_queries.window,
            AttemptFilter(user=user),
            before=None,
            most=ATTEMPTS,
            at=clock.now(),
        )
        .timelines
    )
    if as_json:
        click.echo(_json(account, links, attempts))
        return
    _tell(account, links, attempts)


def _tell(account: AccountValue, links: Sequence[LinkValue], attempts: Sequence[Timeline]) -> None:
    click.echo(
        printable(f"{account.username}, shown as {account.display_name or account.username}")
    )
    click.echo(f"  subject       {account.subject}")
    click.echo(f"  state         {_state(account)}")
    click.echo(f"  added         {account.created_at:%Y-%m-%d %H:%M} UTC")
    click.echo(f"  password      {_password(account)}")
    signed_in_at = _last_sign_in(attempts)
    last = f"{signed_in_at:%Y-%m-%d %H:%M} UTC" if signed_in_at else "none in the attempts kept"
    click.echo(f"  last sign-in  {last}")
    click.echo(f"Links: {len(links) or 'none'}")
    for link in links:
        click.echo(f"  {line(link)}")
    if not attempts:
        click.echo("Attempts: none is kept in which this account has signed in")
        return
    click.echo("Last attempts")
    for each in lines(attempts):
        click.echo(each)


def _state(account: AccountValue) -> str:
    if account.disabled_at is None:
        return "enabled"
    return f"disabled since {account.disabled_at:%Y-%m-%d %H:%M} UTC"


def _password(account: AccountValue) -> str:
    set_at = account.password_set_at
    when = f", set {set_at:%Y-%m-%d %H:%M} UTC" if set_at else ""
    if not account.password_is_first:
        return f"its owner's{when}"
    is_expired = set_at is not None and clock.now() - set_at >= LIFE
    return f"a first one{when}; {'expired' if is_expired else 'to be changed at the next sign-in'}"


def _last_sign_in(attempts: Sequence[Timeline]) -> datetime | None:
    return max((one.signed_in_at for one in attempts if one.signed_in_at is not None), default=None)


def _json(account: AccountValue, links: Sequence[LinkValue], attempts: Sequence[Timeline]) -> str:
    body = {
        "username": account.username,
        "subject": account.subject,
        "display_name": account.display_name,
        "disabled": account.disabled_at is not None,
        "created_at": account.created_at,
        "password_set_at": account.password_set_at,
        "password_is_first": account.password_is_first,
        "last_sign_in_at": _last_sign_in(attempts),
        "links": [link_object(link) for link in links],
        "attempts": [object_of(one, tells_credentials=True) for one in attempts],
    }
    return msgspec.json.encode(body).decode()

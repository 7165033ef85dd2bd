import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from app.accounts.sign_in_methods import issuers_of
from app.api_keys import service as keys
from app.api_keys.service import SCOPES, KeyValue, Scope
from app.cli.audit import audited
from app.cli.context import ServiceGroup, services
from app.cli.options import json_option, page_option
from app.infra import clock
from app.messenger.types import PageId
from app.services import key_revocation

group = ServiceGroup("keys", help="Create, list and revoke the API keys of your bot.")


@group.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("links:read",),
    show_default=True,
    help="What the key may do; may be repeated.",
)
@page_option
@click.option(
    "--issuer",
    metavar="AUTHENTICATOR",
    help="Whose users a key with links:invite may invite, as AUTHENTICATORS names it: local, "
    "oidc:shop, ….",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), help="Days until the key expires; default: never."
)
@audited
def create(
    name: str,
    scopes: tuple[Scope, ...],
    page: PageId | None,
    issuer: str | None,
    days: int | None,
) -> None:
    """Create a key for the program NAME, and print it once.

    Example: threadlink keys create bot --scope links:read --scope messages:send
    """
    if page and "accounts:read" in scopes:
        raise click.UsageError("accounts:read is of no Page: leave --page out, or make two keys")
    at = clock.now()
    of_users = _issuer(issuer, scopes)
    key = services().write(
        keys.issue,
        name,
        scopes=scopes,
        page_id=page,
        issuer=of_users,
        expires_at=at + timedelta(days=days) if days else None,
        at=at,
    )
    click.echo(key)
    click.echo("Store it with your bot's other secrets: it is not shown again.", err=True)
    click.echo(f"Next: send it as Authorization: Bearer. API reference: {_docs()}", err=True)


@group.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the keys, without their secrets.

    Example: threadlink keys list
    """
    listed = services().read(keys.list_keys)
    for key in listed:
        click.echo(json.dumps(asdict(key), default=_text) if as_json else _line(key))
    if not listed and not as_json:
        click.echo("There are no keys. Next: threadlink keys create NAME")


@group.command()
@click.argument("key_id", metavar="ID")
@audited
def revoke(key_id: str) -> None:
    """Revoke the key ID at once.

    The invitations that it has made end without a link.
    `threadlink keys list` shows the ids.

    Example: threadlink keys revoke 8fKq2ZpR0a
    """
    if not services().write(key_revocation.revoke, key_id, at=clock.now()):
        raise click.ClickException(f"no valid key {key_id}")
    click.echo(f"Revoked {key_id}; it is refused from now on.")


def _issuer(name: str | None, scopes: tuple[Scope, ...]) -> str | None:
    """Return the issuer of the users whom a key with *scopes* may invite.

    Raises:
        click.UsageError: It is missing, needless, or no authenticator's.
    """
    if keys.INVITE not in scopes:
        if name is not None:
            raise click.UsageError(f"--issuer is for keys with --scope {keys.INVITE}")
        return None
    issuers = issuers_of(services().settings.sign_in)
    if name is not None and name in issuers:
        return issuers[name]
    if name in issuers.values():
        return name
    raise click.UsageError(
        f"--scope {keys.INVITE} needs --issuer with one of {', '.join(sorted(issuers))}"
    )


def _docs() -> str:
    return f"{services().settings.public_url}/api/docs"


def _line(key: KeyValue) -> str:
    parts = [key.id, key.name, ",".join(key.scopes), f"page {key.page_id or 'any'}"]
    if key.issuer:
        parts.append(f"users of {key.issuer}")
    parts.append(f"used {_day(key.last_used_at)}")
    if key.expires_at:
        parts.append(f"until {_day(key.expires_at)}")
    if key.exposed_at:
        parts.append("EXPOSED in a URL: revoke it")
    if key.revoked_at:
        parts.append(f"revoked {_day(key.revoked_at)}")
    return "  ".join(parts)


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(type(value))

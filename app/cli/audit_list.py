import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import click

from app.cli.context import ServiceGroup, services
from app.cli.options import json_option
from app.cli.since import Moment
from app.infra.observability.logs import printable
from app.operators import audit
from app.operators.audit import AuditRow, Filter, Place

group = ServiceGroup("audit", help="Show what operators did and whom they looked at.")

BATCH: Final = 500


@group.command("list")
@click.option("--since", type=Moment(), help="Not before: 2h, 7d or a date.")
@click.option("--actor", help="By one actor: local:ID, oidc:ISSUER#SUBJECT or os:USER.")
@click.option("--act", help="Of one act, e.g. unlinked or viewed_person.")
@click.option("--subject", help="About one thing, by the id that this list shows.")
@json_option
def list_(
    since: datetime | None,
    actor: str | None,
    act: str | None,
    subject: str | None,
    *,
    as_json: bool,
) -> None:
    """List the audit, the newest first; with --json a line for each row.

    Example: threadlink audit list --since 7d --act unlinked
    """
    wanted = Filter(actor=actor, act=act, subject=subject, since=since)
    count = 0
    for row in _rows(wanted):
        count += 1
        click.echo(json.dumps(_fields(row)) if as_json else _line(row))
    if not count and not as_json:
        click.echo("The audit has nothing like that.")


def _rows(wanted: Filter) -> Iterator[AuditRow]:
    """Yield all rows that are *wanted*, a batch at a time."""
    before: Place | None = None
    while batch := services().read(audit.rows, wanted, before=before, most=BATCH):
        yield from batch
        before = batch[-1].place


def _fields(row: AuditRow) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in row.__slots__}
    return {**fields, "at": row.at.isoformat().replace("+00:00", "Z")}


def _line(row: AuditRow) -> str:
    about = f" {row.subject_kind} {row.subject}" if row.subject else ""
    times = f" ({row.times} times)" if row.times > 1 else ""
    result = "" if row.result == "done" else f" {row.result}"
    reason = f" “{row.reason}”" if row.reason else ""
    who = row.actor_name or row.actor
    return printable(f"{row.at:%Y-%m-%d %H:%M:%S} {who}: {row.act}{about}{result}{times}{reason}")

"""Checks on our own side: the database, what waits in it, what has come in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.infra.database import schema
from app.setup.findings import Finding, fault, ok, warning

# security.md R100
LATE = timedelta(minutes=5)
RECENT = timedelta(days=1)


def check_database(engine: Engine) -> Finding:
    """Tell whether the database answers, has the tables, and takes writes."""
    subject = "database"
    try:
        found = schema.status(engine)
    except DBAPIError as exc:
        return fault(
            subject,
            f"cannot be reached ({type(exc.orig).__name__}): it is not running, or DATABASE_URL "
            "names another one",
            "DATABASE_URL, then: threadlink db status",
        )
    if found.present and found.present > found.wanted:
        return fault(
            subject,
            f"a later version has made its tables ({found.present}), this one wants {found.wanted}",
            "install the version that ran here last; threadlink --version tells this one's",
        )
    if not found.is_current:
        present = found.present or "missing"
        return fault(
            subject,
            f"its tables are {present}, this version wants {found.wanted}",
            "threadlink db upgrade",
        )
    try:
        with engine.begin() as connection:
            schema.try_writing(connection)
    except DBAPIError as exc:
        return fault(
            subject,
            f"takes no writes ({type(exc.orig).__name__}): the disk is full, the file is not ours, "
            "or the server is a standby",
            _place(engine),
        )
    return ok(subject, f"answers, takes writes, tables at {found.present}")


def check_queue(
    *, waiting: int, oldest: timedelta, dead: int, workers: int, is_alone: bool
) -> Finding:
    """Tell whether what commits have asked for is being done.

    *is_alone* says that one process serves, and so has the worker inside.
    """
    subject = "outbox"
    if waiting and oldest > LATE:
        minutes = int(oldest.total_seconds() // 60)
        told = f"{waiting} things wait, the oldest for {minutes} minutes"
        if not workers:
            why = "no worker has been heard for a minute"
            unit = "restart threadlink" if is_alone else "start threadlink-worker"
            return fault(subject, f"{told}: {why}", f"systemctl {unit}")
        why = f"{workers} at work, so the other side refuses or does not answer"
        return fault(subject, f"{told}: {why}", "threadlink outbox list")
    if dead:
        return warning(
            subject,
            f"{dead} things were given up, refused for good or after three days of trying",
            "threadlink outbox list --state dead, then: threadlink outbox replay --dead",
        )
    return ok(subject, f"{waiting} things wait")


def check_deliveries(last: Mapping[str, datetime], *, kept: timedelta, at: datetime) -> Finding:
    """Tell when Messenger was heard last, and by which of two app secrets it signs (R44).

    Of what came longer than *kept* ago nothing is known.
    """
    subject = "deliveries"
    signed_at = max((last[by] for by in ("current", "previous") if by in last), default=None)
    refused_at = last.get("refused")
    if refused_at and at - refused_at < RECENT and (not signed_at or signed_at < refused_at):
        return fault(
            subject,
            f"the last one, {_ago(refused_at, at)} ago, was refused for its signature: APP_SECRET "
            "is not this app's, or somebody else posts here",
            "App settings > Basic > App secret, into APP_SECRET",
        )
    if signed_at is None:
        return warning(
            subject,
            f"none that Messenger signed has come within {kept.days} days",
            "write something to the Page in Messenger, then look here again",
        )
    if last.get("previous") == signed_at and last.get("current") != signed_at:
        return warning(
            subject,
            f"the last one, {_ago(signed_at, at)} ago, was signed with APP_SECRET_PREVIOUS",
            "App settings > Basic > App secret: is APP_SECRET the new one?",
        )
    return ok(subject, f"the last one came {_ago(signed_at, at)} ago, signed with APP_SECRET")


def check_ways(page_id: str, *, works: bool, refusing: Sequence[str]) -> Finding:
    """Tell whether some way to sign in *works* in Messenger's browser; *refusing* do not (R55)."""
    subject = f"sign-in of page {page_id}"
    if works:
        return ok(subject, "works inside Messenger")
    return fault(
        subject,
        f"no way to sign in works inside Messenger: {', '.join(refusing)} cannot be used there",
        "AUTHENTICATORS: add one with a password form, or a provider that accepts such browsers",
    )


def _ago(then: datetime, at: datetime) -> str:
    minutes = max(0, int((at - then).total_seconds() // 60))
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 - two days


def _place(engine: Engine) -> str:
    name = engine.url.database
    if engine.dialect.name == "sqlite" and name:
        return f"df -h {Path(name).parent} && ls -l {name}"
    return f"look at the log of the PostgreSQL server {engine.url.host or 'on this machine'}"

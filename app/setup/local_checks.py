"""Checks of our own side: the outbox, the deliveries received, and sign-in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.outbox.overdue import NO_WORKER, Overdue
from app.setup.findings import Finding, ok, problem, warning

# A refused delivery that is older than this is history.
RECENT: Final = timedelta(days=1)


def check_queue(
    *, waiting: int, late: Sequence[Overdue], dead: int, is_alone: bool, at: datetime
) -> Finding:
    """Report whether the outbox is being worked off.

    *waiting* and *dead* are numbers of items. *is_alone*: one process serves, with the worker
    inside.
    """
    subject = "outbox"
    if late:
        first = min(late, key=lambda each: each.since)
        minutes = int((at - first.since).total_seconds() // 60)
        words = f"{waiting} waiting, {first.kind} overdue for {minutes} minutes: {first.why}"
        unit = "restart threadlink" if is_alone else "start threadlink-worker"
        fix = f"systemctl {unit}" if first.why == NO_WORKER else "threadlink outbox status"
        return problem(subject, words, fix)
    if dead:
        return warning(
            subject,
            f"{dead} dead letters: refused for good, or after three days of retries",
            "threadlink outbox list --state dead, then: threadlink outbox replay --dead",
        )
    return ok(subject, f"{waiting} waiting")


def check_deliveries(last: Mapping[str, datetime], *, kept: timedelta, at: datetime) -> Finding:
    """Report the age of the last delivery, and which of the two app secrets signed it (R44).

    *last* has the time of the last delivery by outcome: current, previous or refused. Deliveries
    older than *kept* are no longer counted.
    """
    subject = "deliveries"
    signed_at = max((last[key] for key in ("current", "previous") if key in last), default=None)
    refused_at = last.get("refused")
    if refused_at and at - refused_at < RECENT and (not signed_at or signed_at < refused_at):
        return problem(
            subject,
            f"the last one, {_ago(refused_at, at)} ago, was refused for its signature: APP_SECRET "
            "is not this app's, or another program posts here",
            "App settings > Basic > App secret, into APP_SECRET",
        )
    if signed_at is None:
        return warning(
            subject,
            f"none with Messenger's signature has arrived within {kept.days} days",
            "write to the Page in Messenger, then run threadlink doctor again",
        )
    if last.get("previous") == signed_at and last.get("current") != signed_at:
        return warning(
            subject,
            f"the last one, {_ago(signed_at, at)} ago, was signed with APP_SECRET_PREVIOUS",
            "App settings > Basic > App secret: is APP_SECRET the new one?",
        )
    return ok(subject, f"the last one came {_ago(signed_at, at)} ago, signed with APP_SECRET")


def check_sign_in(page_id: str, *, works: bool, refusing: Sequence[str]) -> Finding:
    """Report whether any sign-in method *works* in Messenger's browser (R55).

    *refusing* are the labels of the providers that refuse such browsers.
    """
    subject = f"sign-in of page {page_id}"
    if works:
        return ok(subject, "works inside Messenger")
    return problem(
        subject,
        f"no sign-in method works inside Messenger: {', '.join(refusing)} cannot be used there",
        "AUTHENTICATORS: add one with a password form, or a provider that accepts such browsers",
    )


def check_connect_page(pages: Sequence[str]) -> Finding:
    """Warn of the password form of /connect on *pages*: everybody can open it.

    The one behind Log In can be opened with a token of Messenger's alone.
    """
    return warning(
        "connect page",
        f"passwords can be tried at /connect without a Messenger account, on {', '.join(pages)}",
        "have people come from your own site alone, CONNECT_PAGE=0, or sign in by oidc alone",
    )


def _ago(then: datetime, at: datetime) -> str:
    minutes = max(0, int((at - then).total_seconds() // 60))
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 - two days


def check_privacy(*, waiting: int, days: int, within: int) -> Finding:
    """Report whether requests about somebody's data wait for the operator, the oldest for *days*.

    The law gives *within* days.
    """
    subject = "privacy requests"
    if not waiting:
        return ok(subject, "none waits for you")
    words = f"{waiting} wait for you, the oldest for {days} of {within} days"
    if days >= within:
        return problem(subject, f"{words}: overdue", "threadlink privacy list")
    return warning(subject, words, "threadlink privacy list")

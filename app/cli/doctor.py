import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import click

from app.cli.options import json_option
from app.infra import clock
from app.infra.database.engine import DatabaseUnusable
from app.infra.observability.logs import printable
from app.infra.settings.settings import ConfigError
from app.linking import delivery_counts
from app.linking.link_queries import newest_people
from app.messenger.types import PageId
from app.operators import accounts as operators
from app.operators import provider as operators_provider
from app.outbox import inspection
from app.outbox.overdue import overdue
from app.privacy import requests as privacy_requests
from app.services.container import Services, build
from app.services.page_looks import look_of
from app.services.processes import process_count
from app.services.settings import load_settings
from app.setup import console_checks
from app.setup.alert_checks import check_operator_webhook
from app.setup.authenticator_checks import check_authenticators
from app.setup.brand_checks import SeenPage, check_brand
from app.setup.concurrently import Check, findings_of
from app.setup.database_checks import check_database, check_database_tls, check_postgresql
from app.setup.egress_checks import check_egress
from app.setup.findings import Finding, ok, problem, warning
from app.setup.graph_refusals import checked
from app.setup.header_checks import HeaderObserver, check_clock, check_version
from app.setup.local_checks import (
    check_connect_page,
    check_deliveries,
    check_privacy,
    check_queue,
    check_sign_in,
)
from app.setup.log_checks import check_delivery_log
from app.setup.meta_checks import check_meta
from app.setup.name_checks import PEOPLE, check_names
from app.setup.public_checks import check_reach_of

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check the settings, the database, sign-in and the setup at Meta.

    Each check stands for itself: one that fails hides no other. Exit status 1 if there is a
    problem.

    Example: threadlink doctor
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(json.dumps([_as_json(finding) for finding in findings]))
    problems = sum(finding.verdict == "problem" for finding in findings)
    if problems:
        summary = (
            "1 problem." if problems == 1 else f"{problems} problems. Fix the first one first."
        )
        click.echo(summary, err=True)
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Yield the findings of all checks, as they are made."""
    try:
        settings = load_settings()
    except ConfigError as exc:
        for line in str(exc).splitlines():
            yield problem(
                "settings",
                line,
                "set it in .env or the environment; docs/settings.md explains each",
            )
        return
    yield ok("settings", "are complete")
    for miss in settings.near_misses:
        yield warning("settings", str(miss), "correct the name in .env or the environment")
    # The log would repeat the findings.
    try:
        built = build(replace(settings, log_level="error", log_format="console"))
    except DatabaseUnusable as exc:
        yield problem("database", *str(exc).split(". Next: "))
        return
    try:
        yield from _of_services(built)
    finally:
        built.close()


def _of_services(built: Services) -> Iterator[Finding]:
    """Yield the findings about all that the settings name."""
    settings = built.settings
    yield from _sign_in(built)
    yield from _local(built)
    log, address = built.delivery_log, settings.bot.messenger_log
    if log and address:
        check = Check("delivery log", partial(check_delivery_log, log, address))
        yield from findings_of(check)
    yield from check_egress(settings.egress, settings.graph_url, at=clock.now())
    if url := settings.alerts.webhook_url:
        yield check_operator_webhook(url, settings.egress)
    yield from check_authenticators(built.authenticator_checks())
    yield from check_reach_of(settings)
    if settings.console.is_on:
        yield from findings_of(Check("console", partial(_console, built)))
    headers = HeaderObserver()
    yield from check_meta(built.meta(headers.observe), at=clock.now())
    yield from check_version(headers, settings.graph_version, at=clock.now())
    yield from check_clock(headers, at=clock.now())
    for page_id in built.graph:
        subject = f"names of people of page {page_id}"
        yield from findings_of(Check(subject, partial(_names, built, page_id, subject)))


def _sign_in(built: Services) -> Iterator[Finding]:
    for page_id, methods in built.sign_in_methods.items():
        refusing = [provider.label for provider in methods.providers if not provider.in_webviews]
        works = methods.password is not None or len(refusing) < len(methods.providers)
        yield check_sign_in(page_id, works=works, refusing=refusing)
    pages = [page for page, methods in built.sign_in_methods.items() if methods.password]
    if built.settings.invitations.connect_page and pages:
        yield check_connect_page(pages)


def _local(built: Services) -> Iterator[Finding]:
    yield from check_database_tls(built.settings.database_url)
    database = check_database(built.engine)
    yield database
    if database.verdict == "problem":
        return
    behind = partial(check_postgresql, built.engine, built.settings.database_url)
    yield from findings_of(Check("database standby", behind))
    yield from findings_of(Check("outbox", partial(_queue, built)))
    yield from findings_of(Check("deliveries", partial(_deliveries, built)))
    yield from findings_of(Check("names of pages", partial(_brands, built)))
    yield from findings_of(Check("privacy requests", partial(_privacy, built)))


def _queue(built: Services) -> Iterator[Finding]:
    at = clock.now()
    queues = built.read(inspection.queue_stats)
    yield check_queue(
        waiting=sum(queue.count for queue in queues if queue.state == "waiting"),
        late=built.read(overdue, at=at),
        dead=sum(queue.count for queue in queues if queue.state == "dead"),
        is_alone=process_count(built.settings) == 1,
        at=at,
    )


def _deliveries(built: Services) -> Iterator[Finding]:
    last = built.read(delivery_counts.last)
    yield check_deliveries(last, kept=built.settings.retention.codes, at=clock.now())


def _privacy(built: Services) -> Iterator[Finding]:
    at = clock.now()
    waiting = built.read(privacy_requests.duties, at=at)
    days = (at - waiting.oldest_at).days if waiting.oldest_at else 0
    within = privacy_requests.DUTY_WITHIN.days
    yield check_privacy(waiting=waiting.count, days=days, within=within)


def _console(built: Services) -> Iterator[Finding]:
    settings = built.settings
    yield from console_checks.check_address(settings)
    provider = settings.console.provider
    yield from console_checks.check_sign_in(
        settings,
        has_operators=bool(built.read(operators.list_operators)),
        provider=operators_provider.check(provider, settings.egress) if provider else (),
    )


def _names(built: Services, page_id: PageId, subject: str) -> Iterator[Finding]:
    look = partial(
        check_names,
        subject,
        built.read(newest_people, page_id, most=PEOPLE),
        built.graph[page_id].profile,
        confirm_in_chat=built.settings.confirm_in_chat,
        is_production=built.settings.is_production,
    )
    yield from checked(subject, look)


def _brands(built: Services) -> Iterator[Finding]:
    settings, at = built.settings, clock.now()
    for page in settings.pages:
        look = look_of(settings, built.page_profiles, page.id)
        seen = SeenPage(
            id=page.id,
            name=look.name,
            name_source=look.name_source,
            has_privacy_link="privacy" in dict(look.links),
            answered_at=built.page_profiles.of(page.id).answered_at,
            is_all_set=look.name_source == look.logo_source == "settings",
        )
        yield from check_brand(seen, is_production=settings.is_production, at=at)


def _print(finding: Finding) -> None:
    click.echo(printable(f"{MARKS[finding.verdict]}  {finding.subject}: {finding.words}"))
    if finding.fix:
        click.echo(printable(f"{'':9}fix: {finding.fix}"))


def _as_json(finding: Finding) -> dict[str, str]:
    # Its names are older than ours, and other programs read them.
    return {
        "subject": finding.subject,
        "verdict": "fault" if finding.verdict == "problem" else finding.verdict,
        "words": finding.words,
        "mend": finding.fix,
    }

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import click

from app.cli.options import json_option
from app.infra import clock
from app.infra.settings.settings import ConfigError
from app.linking import delivery_counts
from app.outbox import heartbeats, retention
from app.services.container import Services, build, processes
from app.services.settings import load_settings
from app.setup.findings import Finding, fault, ok
from app.setup.local_checks import check_database, check_deliveries, check_queue, check_ways
from app.setup.meta_checks import HeaderObserver, check_headers, check_meta
from app.setup.public_checks import check_reach

MARKS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Look at everything a link needs, here and at Meta; exit status 1 where something is wrong.

    Example: threadlink doctor
    """
    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found]))
    faults = sum(finding.verdict == "fault" for finding in found)
    if faults:
        click.echo(f"{faults} to mend; begin with the first.", err=True)
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Yield what the checks find, one after the other."""
    try:
        settings = load_settings()
    except ConfigError as exc:
        for line in str(exc).splitlines():
            yield fault("settings", line, ".env, or the environment: .env.example explains each")
        return
    yield ok("settings", "are complete")
    # What is looked at is told line by line; the log would say it a second time.
    built = build(replace(settings, log_level="error", log_format="console"))
    try:
        yield from _ways(built)
        yield from _here(built)
        yield from check_reach(
            settings.public_url, settings.verify_token, is_production=settings.is_production
        )
        eyes = HeaderObserver()
        yield from check_meta(built.meta(eyes.observe), at=clock.now())
        yield from check_headers(eyes, settings.graph_version, at=clock.now())
    finally:
        built.close()


def _ways(built: Services) -> Iterator[Finding]:
    for page_id, ways in built.sign_in_methods.items():
        refusing = [one.label for one in ways.providers if not one.in_webviews]
        works = ways.password is not None or len(refusing) < len(ways.providers)
        yield check_ways(page_id, works=works, refusing=refusing)


def _here(built: Services) -> Iterator[Finding]:
    database = check_database(built.engine)
    yield database
    if database.verdict == "fault":
        return
    queues = built.read(retention.queues)
    waiting = [queue for queue in queues if queue.state == "waiting"]
    yield check_queue(
        waiting=sum(queue.count for queue in waiting),
        oldest=clock.now() - min((q.oldest_at for q in waiting), default=clock.now()),
        dead=sum(queue.count for queue in queues if queue.state == "dead"),
        workers=built.read(heartbeats.workers_status, at=clock.now()).alive,
        is_alone=processes(built.settings) == 1,
    )
    yield check_deliveries(
        built.read(delivery_counts.last), kept=built.settings.retention.codes, at=clock.now()
    )


def _tell(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.verdict]}  {finding.subject}: {finding.words}")
    if finding.mend:
        click.echo(f"{'':9}mend: {finding.mend}")

"""A console that listens, filled with attempts of every cause, for a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import URL
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from app.accounts import local
from app.api_keys import service as keys
from app.infra import clock
from app.linking import delivery_counts, graph_unlink
from app.linking.delivery_counts import minute_of
from app.linking.models import LinkTimesOfDay
from app.operators.roles import Role
from app.outbox import queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.services.container import Services, build
from app.setup import stored_findings
from app.setup.findings import ok, problem
from app.web.console.factory import make_console
from app.web.console.words import in_path
from tests.installation import ANA, BEN, PAGE, add_jane, settings_for
from tests.linking.factories import JANE, OMAR, linked
from tests.web.console.made_attempts import make_every_cause
from tests.web.console.staff import PASSWORD, add_operator


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class ServedConsole:
    """A console at *url*; *paths* are those of its pages, by what they show."""

    url: str
    paths: dict[str, str]

    def signs_in(self, context: BrowserContext) -> Page:
        """Sign an admin in at a new page of *context*."""
        page = context.new_page()
        page.goto(f"{self.url}/sign-in")
        page.fill("#name", "kim")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{self.url}/*")
        page.goto(f"{self.url}/")
        return page


@contextmanager
def serving(database: URL) -> Iterator[ServedConsole]:
    """Yield a console on *database*, which is empty."""
    server = make_server("localhost", 0, Flask("later"), threaded=True, request_handler=_Quiet)
    url = f"http://localhost:{server.server_port}"
    services = build(settings_for(database, CONSOLE_URL=url), limit_seconds=60)
    add_operator(services, "kim", Role.ADMIN)
    paths = fill(services)
    server.app = console = make_console(services)
    console.extensions["threadlink-console"].pace.allows = lambda *_: True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield ServedConsole(url, paths)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        services.close()


def fill(services: Services) -> dict[str, str]:
    """Store something for every page; return the paths of all pages."""
    at = clock.now()
    references = make_every_cause(services, at)
    subject = add_jane(services)

    def store(session: Session) -> tuple[str, int]:
        linked(session, psid=ANA, as_=JANE, at=at - timedelta(minutes=4))
        linked(session, psid=BEN, as_=OMAR, at=at - timedelta(minutes=3))
        for bucket, links in ((15, 40), (30, 210), (60, 95), (120, 30), (600, 8), (0, 2)):
            session.add(LinkTimesOfDay(day=at.date(), page_id=PAGE, bucket=bucket, links=links))
        for days in range(7):
            minute = minute_of(at - timedelta(days=days))
            delivery_counts.add(session, {(minute, "current"): 300 - 20 * days})
        delivery_counts.add(session, {(minute_of(at), "refused"): 12})
        queue.enqueue(session, DELIVERY, b"{}", at=at - timedelta(minutes=9))
        queue.enqueue(session, NOTICE, b'{"type": "link.created", "data": {}}', at=at)
        graph_unlink.enqueue_unlink(session, PAGE, ANA, at=at)
        keys.issue(session, "bot", scopes=[keys.SCOPES[0]], page_id=None, expires_at=None, at=at)
        found = problem(f"page {PAGE}", "the Page token is no longer good", "make a new one")
        stored_findings.keep(session, [found, ok("app", "is subscribed to all events")], at=at)
        session.flush()
        key = keys.list_keys(session)[0].id
        account = local.find_by_subject(session, subject)
        assert account is not None
        return key, queue_id(session)

    key, item = services.write(store)
    user = f"/users/{in_path(JANE.issuer)}/{in_path(JANE.subject)}"
    return {
        "overview": "/?days=7",
        "cause": "/causes/graph_token_dead",
        "entry": "/causes/entry_page_unknown",
        "attempts": "/attempts",
        "live": "/attempts?live=1",
        "attempt": f"/attempts/{references['credentials_wrong']}",
        "nothing": "/attempts/zzzz-zzzz",
        "search": "/search",
        "person": f"/people/{PAGE}/{ANA}",
        "unlink": f"/people/{PAGE}/{ANA}/unlink",
        "user": user,
        "outbox": f"/outbox?kind={NOTICE}&state=waiting",
        "item": f"/outbox/{item}",
        "accounts": "/accounts",
        "account": f"/accounts/{subject}",
        "keys": "/keys",
        "revoke": f"/keys/{key}/revoke",
        "meta": "/meta",
        "privacy": "/privacy",
        "audit": "/audit",
        "sessions": "/sessions",
    }


def queue_id(session: Session) -> int:
    """Return the id of the notice that waits."""
    from app.outbox.models import OutboxRow  # noqa: PLC0415 - of one use

    row = session.query(OutboxRow).filter(OutboxRow.kind == NOTICE).first()
    assert row is not None
    return row.id

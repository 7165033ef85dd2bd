"""One code that Messenger brings many times at once, to the server as it is shipped (R33)."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import URL, func, select
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking.models import Link, LinkEvent
from app.outbox.bot_webhooks import NOTICE
from app.outbox.models import OutboxRow
from app.services.container import Services
from tests import shipped
from tests.actors import Messenger, delivery, linked
from tests.browsers import OverSockets
from tests.installation import ANA
from tests.linking.factories import confirmed

CONNECTIONS = 20
EACH = 10
# Nobody listens there, and `serve` has no worker: the notice waits and can be counted.
BOT = {
    "BOT_WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "BOT_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def test_two_hundred_deliveries_over_sockets_make_one_link(
    database: URL, services: Services
) -> None:
    """R33, R36: one link, one row of history, one notice; and 200 for every repeat."""
    at = clock.now()
    code = services.write(confirmed, at=at)
    body = delivery(linked(ANA, code, at))

    with shipped.serving(database, **BOT) as server:
        statuses = _post_at_once(server.origin, body)

    assert [200] * CONNECTIONS * EACH == statuses
    assert [1, 1, 1] == services.read(_counted)


def _post_at_once(origin: str, body: bytes) -> list[int]:
    """Post *body* again and again over many connections that begin together."""
    together = threading.Barrier(CONNECTIONS)

    def post(_: int) -> list[int]:
        browser = OverSockets(origin)
        messenger = Messenger(browser)
        together.wait(shipped.PATIENCE_SECONDS)
        statuses = [messenger.posts(body).status for _ in range(EACH)]
        browser.close()
        return statuses

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [status for mine in pool.map(post, range(CONNECTIONS)) for status in mine]


def _counted(session: Session) -> list[int]:
    rows = (
        select(func.count()).select_from(Link).where(Link.state == "linked"),
        select(func.count()).select_from(LinkEvent),
        select(func.count()).select_from(OutboxRow).where(OutboxRow.kind == NOTICE),
    )
    return [session.scalar(query) or 0 for query in rows]

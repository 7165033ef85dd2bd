"""A PostgreSQL that takes no writes, as a primary that has become a standby (R49, R120, R124)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest
import structlog
from flask import Flask
from sqlalchemy import URL, text
from structlog.testing import capture_logs

from app.api_keys import service as keys
from app.infra import clock
from app.infra.database.engine import make_engine
from app.services.container import Services
from app.web.monitoring import health
from tests.actors import Messenger, unlinked
from tests.browsers import Answer, InProcess
from tests.conftest import on_postgresql
from tests.installation import ANA, PAGE, PUBLIC_URL
from tests.web.api.conftest import add_link
from tests.web.gateway_client import GatewayClient, gateway_of

pytestmark = on_postgresql
LOOK_UP = f"/api/v1/links/{PAGE}/{ANA}"

ReadOnly: TypeAlias = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def read_only(database: URL, services: Services) -> Iterator[ReadOnly]:
    """Yield a block in which each new connection of the server is read-only.

    PostgreSQL says the same to both, "cannot execute ... in a read-only transaction" (25006).
    """
    administrators = make_engine(database)

    @contextmanager
    def block() -> Iterator[None]:
        with administrators.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            change = f'ALTER DATABASE "{database.database}"'
            connection.execute(text(f"{change} SET default_transaction_read_only = on"))
            # Not that of the engine, which would get another pool: its writer keeps the one it has.
            services.engine.pool.dispose()
            yield
            connection.execute(text(f"{change} RESET default_transaction_read_only"))

    yield block
    administrators.dispose()


@pytest.fixture
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0.0)


# A request that writes: by the server's front, by Flask alone, and a guess at a key, which counts.
REQUESTS: dict[str, Callable[[GatewayClient, InProcess], Answer]] = {
    "webhook": lambda front, _: Messenger(front).tells(unlinked(ANA, clock.now())),
    "webhook by Flask": lambda _, flask: Messenger(flask).tells(unlinked(ANA, clock.now())),
    "look-up": lambda front, _: front("GET", LOOK_UP, headers={"Authorization": "Bearer guess"}),
    "readiness": lambda front, _: front("GET", "/readyz"),
}


@pytest.mark.usefixtures("_forgetful")
@pytest.mark.parametrize("kind", REQUESTS)
def test_writes_are_refused_until_a_new_connection_finds_the_primary(
    app: Flask, services: Services, client: InProcess, read_only: ReadOnly, kind: str
) -> None:
    """R120: they were answered 500, with a traceback, and the connection stayed in the pool."""
    front = GatewayClient(gateway_of(app, services), PUBLIC_URL)
    with read_only(), capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        refused = REQUESTS[kind](front, client)
    # Where it was read before it was written, a connection from then is left.
    REQUESTS[kind](front, client)
    after = REQUESTS[kind](front, client)

    assert (503, True) == (refused.status, "retry-after" in refused.headers)
    failures = [line for line in lines if line["event"] == "database.failed"]
    assert ["ReadOnlySqlTransaction" in line["reason"] for line in failures] == [
        kind != "readiness"
    ]
    assert not any("exc_info" in line for line in lines)
    assert {"look-up": 401}.get(kind, 200) == after.status


def test_a_look_up_reads_where_nothing_is_written(
    app: Flask, services: Services, read_only: ReadOnly
) -> None:
    """The use of the key cannot be recorded, which the bot need not know."""
    add_link(services)
    key = services.write(
        keys.issue, "bot", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    front = GatewayClient(gateway_of(app, services), PUBLIC_URL)
    with read_only():
        found = front("GET", LOOK_UP, headers={"Authorization": f"Bearer {key}"})

    assert 200 == found.status

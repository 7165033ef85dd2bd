from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from app.services.container import Services, build
from tests import nats_cluster
from tests.installation import add_jane, settings_for
from tests.nats_cluster import Cluster


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Cluster]:
    with nats_cluster.running() as cluster:
        yield cluster


@pytest.fixture
def stream(nats_server: Cluster) -> Cluster:
    """Return a server with a stream for this test."""
    return nats_server.with_stream_of_its_own()


@pytest.fixture
def services(database: URL, stream: Cluster) -> Iterator[Services]:
    services = build(settings_for(database, BOT_MESSENGER_URL=stream.url))
    add_jane(services)
    yield services
    services.close()

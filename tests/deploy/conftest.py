import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import URL

from app.infra.settings.database_url import database_url
from tests import shipped
from tests.deploy.proxies import NAME, PROGRAMS, Front, standing
from tests.deploy.tap import Tap, tapping
from tests.ports import free_port
from tests.shipped import Shipped


class Tapped(NamedTuple):
    """A proxy before a server, and the wire between them."""

    front: Front
    tap: Tap


@contextmanager
def serving(template: Path, *options: str, **changed: str) -> Iterator[Shipped]:
    """Yield `threadlink serve` as an operator has it behind a proxy, in production."""
    with tempfile.TemporaryDirectory(prefix="threadlink-") as folder:
        path = shutil.copyfile(template, Path(folder) / "threadlink.sqlite")
        database: URL = database_url(f"sqlite:///{path}")
        known = {
            "PUBLIC_URL": f"https://{NAME}",
            "TRUSTED_PROXIES": "1",
            "METRICS_TOKEN": "canary-metrics-token",
            "GRAPH_URL": "https://graph.invalid",
            "GRAPH_URL_TRUSTED": "graph.invalid",
        }
        with shipped.serving(database, *options, **{**known, **changed}) as server:
            yield server


@pytest.fixture(scope="package")
def server(sqlite_template: Path) -> Iterator[Shipped]:
    """Yield the one server of these tests."""
    with serving(sqlite_template) as server:
        yield server


@pytest.fixture(scope="module", params=PROGRAMS)
def front(
    server: Shipped, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Yield each proxy before the server."""
    with standing(request.param, server.port, tmp_path_factory.mktemp(request.param)) as front:
        yield front


@pytest.fixture(params=PROGRAMS)
def tapped(server: Shipped, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tapped]:
    """Yield each proxy, with a tap between it and the server."""
    with (
        tapping(server.port) as tap,
        standing(request.param, tap.port, tmp_path) as front,
    ):
        yield Tapped(front, tap)


@pytest.fixture(params=PROGRAMS)
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """Yield each proxy before a server that does not run."""
    with standing(request.param, free_port(), tmp_path) as front:
        yield front

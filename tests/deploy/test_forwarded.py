"""nginx that writes one of the two headers, and a stranger who sends the other."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.conftest import serving
from tests.deploy.proxies import ALL_COUNTED, guesses, standing
from tests.shipped import Shipped

FOR: Final = "proxy_set_header X-Forwarded-For $remote_addr;"
PROTO: Final = "proxy_set_header X-Forwarded-Proto $scheme;"
NO_FORWARDED: Final = 'proxy_set_header Forwarded "";'
# As the gateways that write it have it. What is left out reaches the server as the client says it.
WRITES_FORWARDED: Final = {
    FOR: "",
    PROTO: "",
    NO_FORWARDED: 'proxy_set_header Forwarded "by=_a;for=$remote_addr;host=$host;proto=$scheme";',
}
APPENDS_FORWARDED: Final = {
    **WRITES_FORWARDED,
    NO_FORWARDED: 'proxy_set_header Forwarded "$http_forwarded, for=$remote_addr;proto=$scheme";',
}
WRITES_X_FORWARDED: Final = {NO_FORWARDED: ""}
APPENDS_X_FORWARDED: Final = {
    NO_FORWARDED: "",
    FOR: "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without asking"
)


@pytest.fixture(scope="module")
def by_forwarded(sqlite_template: Path) -> Iterator[Shipped]:
    """Yield a server that reads Forwarded."""
    with serving(sqlite_template, FORWARDED_HEADER="forwarded") as server:
        yield server


@pytest.mark.parametrize(
    ("network", "reader", "changes"),
    [
        pytest.param(1, "by_forwarded", WRITES_FORWARDED, id="writes Forwarded"),
        pytest.param(2, "by_forwarded", APPENDS_FORWARDED, id="appends to Forwarded"),
        pytest.param(3, "server", WRITES_X_FORWARDED, id="writes X-Forwarded-For"),
        pytest.param(4, "server", APPENDS_X_FORWARDED, id="appends to X-Forwarded-For"),
    ],
)
def test_the_header_that_the_proxy_does_not_overwrite_is_not_believed(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    network: int,
    reader: str,
    changes: Mapping[str, str],
) -> None:
    """R86, R61: else each guess would come from an address of its own."""
    server: Shipped = request.getfixturevalue(reader)
    with standing("nginx", server.port, tmp_path, changes) as front:
        assert ALL_COUNTED == guesses(front, f"127.4.{network}.7")
        # By https, whatever the client says.
        lies = {"X-Forwarded-Proto": "http", "Forwarded": "proto=http"}
        assert 200 == front.asks("GET", "/", headers=lies).status_code

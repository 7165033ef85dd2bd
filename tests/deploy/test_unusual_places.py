"""The shipped proxies where few have them: another port, IPv6, and a name beyond ASCII."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.actors import log_in, message
from tests.deploy.conftest import serving
from tests.deploy.proxies import PROGRAMS, Front, Place, standing
from tests.installation import NOON
from tests.ports import free_port
from tests.shipped import Shipped

# As certificates and DNS have the name, and as people write it in the settings.
NAME: Final = "xn--lden-loa.example"
WRITTEN: Final = "https://L\u00c4den.example"
MADE_UP: Final = "2001:db8::7"


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
        return True


pytestmark = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6, not even ::1")


@pytest.fixture(scope="module")
def port() -> int:
    """Return the port of every proxy, one after the other."""
    return free_port("::1")


@pytest.fixture(scope="module")
def server(sqlite_template: Path, port: int) -> Iterator[Shipped]:
    """Yield a server that listens on every address, which IPv6 writes in its own way."""
    known = {"PUBLIC_URL": f"{WRITTEN}:{port}/", "LOG_LEVEL": "info"}
    with serving(sqlite_template, "--host", "::", **known) as server:
        yield server


@pytest.fixture(scope="module", params=PROGRAMS)
def front(
    server: Shipped,
    port: int,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    place = Place(
        f"[::1]:{server.port}", port, free_port("::1"), NAME, "::1", shown_port=f":{port}"
    )
    with standing(request.param, place, tmp_path_factory.mktemp(request.param)) as front:
        yield front


def test_pages_and_deliveries_arrive(front: Front, server: Shipped) -> None:
    """R84, R85, R86: by the name with its port; and the client's IPv6 address is known."""
    assert 303 == front.asks("GET", log_in().address()).status_code
    assert 200 == front.messenger().tells(message("1", "hi", NOON)).status
    # Refused, and so in the log with its address.
    lies = {"X-Forwarded-For": MADE_UP, "Forwarded": f'for="[{MADE_UP}]"'}
    assert 400 == front.asks("GET", "/authorize", headers=lies).status_code
    said = server.log.read_text("utf-8")
    assert '"address": "::1"' in said
    assert MADE_UP not in said
    assert "request.address_unknown" not in said


def test_plain_http_is_redirected_to_the_name_and_port(front: Front) -> None:
    """R87."""
    answer = front.asks_in_clear("/authorize")

    assert f"https://{NAME}:{front.place.https}/authorize" == answer.headers["Location"]

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink


@pytest.fixture
def threadlink(tmp_path: Path) -> Threadlink:
    """Return the program in an empty folder."""
    return Threadlink(tmp_path)


@pytest.fixture
def demo(threadlink: Threadlink) -> Iterator[Mapping[str, Any]]:
    """Yield what a running demo says of itself; it must stop cleanly and have had no complaint."""
    ports = ("--port", "0", "--emulator-port", "0")
    with threadlink.serves("demo", "--json", *ports) as served:
        yield served.described
        status, said = served.stops()
    assert (0, "Stopped.\n") == (status, said)


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[MobileBrowser]:
    """Yield a phone on which, by the end, no page has complained of script or policy."""
    phone = MobileBrowser(browser, request.node.name.removeprefix("test_"))
    yield phone
    phone.context.close()
    assert [] == phone.complaints

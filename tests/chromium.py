"""A real browser for the tests: the distribution's Chromium, driven by playwright.

``TEST_CHROMIUM`` names another executable than Debian's.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

# Runs as root in a container, without a graphics card, and calls nobody on the internet.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def running() -> Iterator[Browser]:
    """Yield a headless browser, and close it after; without Chromium, skip who wanted it."""
    executable = os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium")
    if shutil.which(executable) is None:
        pytest.skip(
            f"no Chromium at {executable}: on Debian and Ubuntu apt-get install chromium, "
            "elsewhere name one with TEST_CHROMIUM=/path/to/it"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(SWITCHES))
        yield browser
        browser.close()

"""The lines of the log, ours and those of libraries: their form, and tracebacks (R110)."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import Final

import pytest

FAULT: Final = """
import logging, sys
import structlog
from app.infra.observability import logs

logs.configure(level="info", form=sys.argv[1])


def ask(key):
    raise ValueError("no answer")


try:
    ask("canary" + "-key")
except ValueError as exc:
    if sys.argv[2] == "ours":
        structlog.get_logger().error("request.failed", exc_info=exc)
    else:
        logging.getLogger("library").exception("a library's own words")
"""


@pytest.mark.parametrize("whose", ["ours", "a library"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_places_and_no_variables(form: str, whose: str) -> None:
    """R110: a variable may be a password, a token or a key."""
    # Where it is installed, a console's tracebacks show every frame's variables by themselves.
    assert find_spec("rich")

    said = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", FAULT, form, whose], capture_output=True, text=True, check=True
    ).stderr

    assert "canary-key" not in said
    assert "ValueError: no answer" in said
    assert "in ask" in said


LINES: Final = """
import logging, sys
import structlog
from app.infra.observability import logs

logs.configure(level="info", form="json")
forged = 'a\\n{"event": "link.made"}\\r\\x1b[2J\\u2028\\x9b'
structlog.get_logger().info("sign_in.refused", reference=forged)
logging.getLogger("library").warning(forged)
"""


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Return the lines of a program that logs text with line breaks and control characters."""
    said = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LINES], capture_output=True, text=True, check=True
    ).stderr
    return said.splitlines()


def test_no_value_begins_a_line_of_its_own(lines: list[str]) -> None:
    """R82, R110: neither for whoever reads lines, nor for a terminal that shows them."""
    assert 2 == len(lines)
    for line in lines:
        assert line.isprintable()
        assert "link.made" != json.loads(line)["event"]


def test_a_line_has_its_time_in_utc(lines: list[str]) -> None:
    """One JSON object a line, whoever wrote it."""
    for line in map(json.loads, lines):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
        assert {"event", "level", "timestamp"} <= set(line)


def test_a_line_that_cannot_be_written_ends_no_request() -> None:
    """A full disk below the log is not a fault of the request that logs."""
    program = """
import structlog
from app.infra.observability import logs

logs.configure(level="info", form="json")
structlog.get_logger().info("request.refused", padding="x" * 10_000)
print("answered")
"""
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert "answered\n" == done.stdout

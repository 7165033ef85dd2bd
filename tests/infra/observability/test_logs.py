"""Tracebacks in the log, ours and those of libraries: places, and no variables (R110)."""

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

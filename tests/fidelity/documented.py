"""Runs the example for Node of docs/testing.md as a reader would: copied, with `node --test`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_PAGE = Path(__file__).parent.parent.parent / "docs" / "testing.md"
_EXAMPLE = re.compile(r"```js\n// (?P<name>[\w.]+)\n(?P<text>.*?)```", re.DOTALL)
_SECONDS = 120


def node_example() -> tuple[str, bool]:
    """Return what Node counted, and whether every test of the example passed."""
    found = _EXAMPLE.search(_PAGE.read_text(encoding="utf-8"))
    if found is None:
        return f"{_PAGE.name} has no example for Node", False
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, found["name"]).write_text(found["text"], encoding="utf-8")
        command = str(Path(sys.executable).with_name("threadlink"))
        ran = subprocess.run(
            ["node", "--test", "--test-reporter=tap", found["name"]],
            cwd=folder,
            env={**os.environ, "THREADLINK_COMMAND": command},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    counted = dict(re.findall(r"^# (pass|fail) (\d+)$", ran.stdout, re.MULTILINE))
    if not counted:
        return (ran.stderr or ran.stdout)[-300:], False
    passed, failed = counted["pass"], counted["fail"]
    return f"{passed} passed, {failed} failed", ran.returncode == 0 and passed != "0"

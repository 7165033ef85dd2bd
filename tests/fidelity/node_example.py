"""Runs the Node example of docs/testing.md with `node --test`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
_EXAMPLE = re.compile(r"```js\n// (?P<name>shop[\w.]+)\n(?P<text>.*?)```", re.DOTALL)
_SECONDS = 120


def node_example() -> tuple[str, bool]:
    """Return Node's counts, and whether every test of the example passed."""
    example = _EXAMPLE.search(_PAGE.read_text(encoding="utf-8"))
    if example is None:
        return f"{_PAGE.name} has no example for Node", False
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, example["name"]).write_text(example["text"], encoding="utf-8")
        # The clone that the example imports from.
        Path(folder, "threadlink").symlink_to(_PAGE.parents[1])
        command = str(Path(sys.executable).with_name("threadlink"))
        run = subprocess.run(
            ["node", "--test", "--test-reporter=tap", example["name"]],
            cwd=folder,
            env={**os.environ, "THREADLINK_COMMAND": command},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    counts = dict(re.findall(r"^# (pass|fail) (\d+)$", run.stdout, re.MULTILINE))
    if not counts:
        return (run.stderr or run.stdout)[-300:], False
    passed, failed = counts["pass"], counts["fail"]
    return f"{passed} passed, {failed} failed", run.returncode == 0 and passed != "0"

"""The workflow step of docs/testing.md, run as it stands there in an empty project.

Only in the long form, since it installs Threadlink from the registry.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import yaml

from tests.node import NODE

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
# A minute on a quiet machine; this one may do other things as well.
PATIENCE_S: Final = 600


def written(language: str, name: str) -> str:
    """Return the block of the page that begins with *name*."""
    (text,) = re.findall(rf"```{language}\n(?://|#) {re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_the_step_is_green_in_an_empty_project(tmp_path: Path) -> None:
    """In Python and in Node; on a quiet machine within a minute."""
    project, tools = tmp_path / "project", tmp_path / "tools"
    project.mkdir()
    tools.mkdir()
    for name in ("uv", "uvx"):
        found = shutil.which(name) or Path(sys.executable).with_name(name)
        (tools / name).symlink_to(found)
    for language, name in (("python", "test_messenger.py"), ("js", "messenger.test.mjs")):
        (project / name).write_text(written(language, name), encoding="utf-8")
    # In the place of the clone.
    (project / "threadlink").symlink_to(ROOT)
    workflow = yaml.safe_load(written("yaml", ".github/workflows/messenger.yml"))
    script = workflow["jobs"]["messenger"]["steps"][-1]["run"]
    programs = [str(tools), str(Path(NODE).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    begun = time.monotonic()

    done = subprocess.run(  # noqa: S603 - our own page
        ["/bin/bash", "-e", "-c", script],
        cwd=project,
        env={
            **os.environ,
            "PATH": os.pathsep.join(programs),
            "UV_TOOL_BIN_DIR": str(tools),
            "UV_TOOL_DIR": str(tmp_path / "installed"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    took = time.monotonic() - begun

    print(f"\nThe step took {took:.1f} s")  # noqa: T201 - figures
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "pass 1" in done.stdout

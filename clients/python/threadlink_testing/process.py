"""Starts and stops the emulator as a child process."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from threadlink_testing.client import Messenger
from threadlink_testing.control import TIMEOUT_SECONDS, EmulatorError


@contextmanager
def running(options: Sequence[str] = ()) -> Iterator[Messenger]:
    """Start ``threadlink emulator`` with *options* on a free port, and stop it at the end.

    Raises:
        EmulatorError: The command is not installed, or did not start.
    """
    command = [*_command(), "emulator", "--port", "0", "--json", *options]
    # The child must not import modules of your project: it may have a package of the same name.
    hidden = {"PYTHONPATH", "PYTHONHOME"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder, "stderr")
        with errors.open("wb") as stderr:
            child = subprocess.Popen(  # noqa: S603 - the command of this machine's owner
                command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=stderr
            )
        try:
            line = child.stdout.readline() if child.stdout else b""
            if not line:
                raise EmulatorError(f"the emulator did not start: {errors.read_text()}")
            yield Messenger(json.loads(line))
        finally:
            child.terminate()
            child.communicate(timeout=TIMEOUT_SECONDS)


def _command() -> list[str]:
    configured = os.environ.get("THREADLINK_COMMAND")
    if configured:
        return shlex.split(configured)
    own_bin = Path(sys.executable).parent
    program = shutil.which("threadlink", path=str(own_bin)) or shutil.which("threadlink")
    if program is None:
        raise EmulatorError(
            "there is no command threadlink: install the package, or name it in THREADLINK_COMMAND"
        )
    return [program]

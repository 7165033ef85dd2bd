"""The program as people have it: a command on this machine, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from unittest.mock import patch

from click.testing import CliRunner, Result

from app.cli import main
from app.cli.emulator import all_details
from app.emulator import EmulatorServer, demo_settings

# CI names the program of an installed wheel; else it is that of the environment of the tests.
THREADLINK: Final = os.environ.get("TEST_THREADLINK") or str(
    Path(sys.executable).with_name("threadlink")
)


@dataclass(frozen=True, slots=True)
class Threadlink:
    """The command ``threadlink``, typed in *folder*; nobody's settings but those found there."""

    folder: Path

    def runs(self, *arguments: str, typed: str = "") -> str:
        """Run a command that succeeds; return what it printed."""
        done = self.tries(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tries(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command, whatever comes of it; *typed* is its standard input."""
        return subprocess.run(  # noqa: S603 - our own program
            [THREADLINK, *arguments],
            cwd=self.folder,
            env=_environment(),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def does(self, *arguments: str, typed: str = "") -> str:
        """Run a command that succeeds as `calls` does; return what it printed."""
        done = self.calls(*arguments, typed=typed)
        assert done.exit_code == 0, done.output
        return done.stdout

    def calls(self, *arguments: str, typed: str = "") -> Result:
        """Run a command without a process of its own, whatever comes of it.

        It takes a second less, and is for steps on the way to what the test is about.
        """
        with chdir(self.folder), patch.dict(os.environ, _environment(), clear=True):
            return CliRunner().invoke(main, arguments, input=typed)

    @contextmanager
    def serves(self, *arguments: str, **environment: str) -> Iterator["Served"]:
        """Yield a command that goes on until stopped, once it has said that it is ready."""
        with subprocess.Popen(  # noqa: S603 - our own program
            [THREADLINK, *arguments],
            cwd=self.folder,
            env={**_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                yield Served(process, _first_said(process.stdout))
            finally:
                if process.poll() is None:
                    process.terminate()


@dataclass(frozen=True, slots=True)
class Served:
    """A command that is running, and the first line it printed."""

    process: subprocess.Popen[str]
    first_line: str

    @property
    def described(self) -> Mapping[str, Any]:
        """The JSON line that the command printed when it was ready."""
        assert self.first_line.startswith("{"), self.first_line + self.rest()
        described: Mapping[str, Any] = json.loads(self.first_line)
        return described

    def stops(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Stop it as Ctrl-C does; return its exit status, and what it printed after being ready."""
        self.process.send_signal(number)
        said = self.rest()
        return self.process.wait(), said

    def rest(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextmanager
def emulated(webhook_url: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield what `threadlink emulator --json` prints of an emulator that is in this process."""
    settings = demo_settings(webhook_url=webhook_url)
    with EmulatorServer(settings) as emulator:
        yield all_details(settings, emulator.description)


def _first_said(output: IO[str]) -> str:
    """Return the first line that is the command's own; lines of the log may come before it."""
    return next((line for line in output if '"event": ' not in line), "")


def _environment() -> dict[str, str]:
    # ldap3 2.9.1 asks pyasn1 for some things by their old names.
    warnings = "error,ignore::DeprecationWarning:ldap3.utils.asn1"
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": warnings}

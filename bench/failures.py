"""The time of failed sign-ins by their reasons, which must not differ (R59)."""

import itertools
import statistics
import time
from collections.abc import Mapping
from contextlib import suppress

from app.accounts import local
from app.accounts.authenticators import CredentialsRefused
from app.infra import clock
from app.services.container import build
from app.services.settings import settings_from_env

SAMPLES = 200
PASSWORD, WRONG = "correct horse battery staple", "correct horse battery stapel"
KINDS = {
    "wrong": ("ana@example.com", WRONG),
    "unknown": ("nobody@example.com", WRONG),
    "disabled": ("ben@example.com", PASSWORD),
    "overlong": ("ana@example.com", "x" * 5000),
}


def measure(env: Mapping[str, str], page: str) -> dict[str, float]:
    """Return the median time in ms of each kind of failure, measured by turns."""
    services = build(settings_from_env(env))
    hashed = services.hasher.hash(PASSWORD)
    for username in ("ana@example.com", "ben@example.com"):
        services.write(local.add, username, None, hashed, at=clock.now())
    services.write(local.disable, "ben@example.com", at=clock.now())
    authenticator = services.sign_in_methods[page].password
    assert authenticator is not None
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _, (kind, given) in itertools.product(range(SAMPLES), KINDS.items()):
        begun = time.perf_counter()
        with suppress(CredentialsRefused):
            authenticator.verify(*given)
        took[kind].append((time.perf_counter() - begun) * 1000)
    services.close()
    medians = {f"{kind}_ms": round(statistics.median(each), 2) for kind, each in took.items()}
    return {**medians, "ratio": round(max(medians.values()) / min(medians.values()), 3)}

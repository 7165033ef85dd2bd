"""The number of server processes, from the settings and the cores of the machine."""

import os
import sys

from app.infra.settings.settings import Settings


def process_count(settings: Settings) -> int:
    """Return how many processes are to serve; one with SQLite, which has one writer at a time."""
    is_sqlite = settings.database_url.get_backend_name() == "sqlite"
    return settings.workers or (1 if is_sqlite else core_count())


def core_count() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""The number of server processes, from the settings and the cores that this process may use."""

import math
import os
import sys

from app.infra.settings.settings import Settings
from app.services.cpu_quota import cpu_quota


def process_count(settings: Settings) -> int:
    """Return how many processes are to serve; one with SQLite, which has one writer at a time."""
    is_sqlite = settings.database_url.get_backend_name() == "sqlite"
    return settings.workers or (1 if is_sqlite else core_count())


def core_count() -> int:
    """Return how many cores this process may use: by its affinity, and by its group's CPU quota."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    allowed, quota = len(os.sched_getaffinity(0)), cpu_quota()
    return allowed if quota is None else min(allowed, math.ceil(quota))

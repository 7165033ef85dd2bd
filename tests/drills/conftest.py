"""Drills that only run where they are asked for: they take long, or need others' programs."""

import os
from typing import Final

collect_ignore: Final = [
    file
    for file, variable in {
        "test_npm_bots.py": "DRILL_NPM_SECONDS",
        "test_empty_project.py": "DRILL_EMPTY_PROJECT",
        "test_nats_costs.py": "DRILL_NATS_TIMED",
        "high_availability/test_ending.py": "DRILL_HA",
        "high_availability/test_patroni.py": "DRILL_PATRONI",
    }.items()
    if variable not in os.environ
]

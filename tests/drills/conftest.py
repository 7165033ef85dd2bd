"""Drills that install other people's programs run only where they are asked for."""

import os
from typing import Final

collect_ignore: Final = [
    file
    for file, variable in {
        "test_npm_bots.py": "DRILL_NPM_SECONDS",
        "high_availability/test_patroni.py": "DRILL_PATRONI",
    }.items()
    if variable not in os.environ
]

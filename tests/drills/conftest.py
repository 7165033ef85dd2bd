"""Drills that install other people's programs run only where they are asked for."""

import os
from typing import Final

collect_ignore: Final = [
    *([] if os.environ.get("DRILL_NPM_SECONDS") else ["test_npm_bots.py"]),
    *([] if os.environ.get("DRILL_EMPTY_PROJECT") else ["test_empty_project.py"]),
]

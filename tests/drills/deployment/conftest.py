"""Drills with a machine or with programs of their own run only where they are asked for."""

import os
from typing import Final

_ASKED_FOR: Final = {
    "DRILL_SYSTEMD": "test_systemd.py",
    "DRILL_IMAGE": "test_image.py",
    "DRILL_LITESTREAM": "test_litestream.py",
}
collect_ignore: Final = [file for name, file in _ASKED_FOR.items() if not os.environ.get(name)]

"""The primary of two PostgreSQL fails, or servers are restarted, under load."""

import os
from typing import Final

# `make drills-ha` and `make drills-patroni` say so: all rows, long loads, and times that hold.
IS_LONG: Final = "DRILL_HA" in os.environ

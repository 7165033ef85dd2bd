"""For each fault of the emulator: what our server does under it, what a program of others does.

A test holds that no fault is left out (`tests/emulator/faults/test_table.py`).
"""

from typing import Final

from tests.fidelity.faults import graph_rows, webhook_rows

ROWS: Final = (*webhook_rows.ROWS, *graph_rows.ROWS)

"""The table of `make fidelity`: each fault with the expected results of both sides.

`tests/emulator/faults/test_table.py` checks that no fault is missing.
"""

from typing import Final

from tests.fidelity.faults import graph_rows, webhook_rows

ROWS: Final = (*webhook_rows.ROWS, *graph_rows.ROWS)

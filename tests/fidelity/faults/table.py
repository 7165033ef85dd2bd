"""The table of `make fidelity`: each fault with the expected results of both sides.

`tests/emulator/faults/test_table.py` checks that no fault is missing.
"""

from typing import Final

from tests.fidelity.faults import graph_rows, m_me_rows, webhook_rows

# Last those after which ours asks for no name of this page for a while.
ROWS: Final = tuple(
    sorted(
        (*webhook_rows.ROWS, *m_me_rows.ROWS, *graph_rows.ROWS),
        key=lambda row: row.ours.situation == "asks_who",
    )
)

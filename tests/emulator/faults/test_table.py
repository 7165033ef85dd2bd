"""The table of `make fidelity` that shows what each fault does: none is left out."""

from app.emulator.faults.table import FAULTS
from tests.fidelity.faults.foreign import BOTS, CALLERS, Foreign
from tests.fidelity.faults.ours import Ours
from tests.fidelity.faults.table import ROWS


def test_the_table_has_each_fault_of_the_emulator_once() -> None:
    assert sorted(FAULTS) == sorted(row.fault for row in ROWS)


def test_each_row_puts_two_programs_into_a_situation_that_there_is() -> None:
    for row in ROWS:
        foreign = row.foreign
        assert hasattr(Ours, row.ours.situation), row.fault
        known = BOTS if hasattr(Foreign, foreign.situation) else CALLERS
        assert foreign.program in known, row.fault
        assert row.ours.does, row.fault
        assert foreign.does, row.fault
        assert row.why, row.fault

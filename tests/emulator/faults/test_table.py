"""The table of `make fidelity`: every fault has its row."""

from app.emulator.faults.table import FAULTS
from tests.fidelity.faults.other_programs import BOTS, CALLERS, OtherPrograms
from tests.fidelity.faults.table import ROWS
from tests.fidelity.faults.threadlink_server import ThreadlinkServer


def test_the_table_has_each_fault_of_the_emulator_once() -> None:
    assert sorted(FAULTS) == sorted(row.fault for row in ROWS)


def test_each_row_names_existing_programs_and_situations() -> None:
    for row in ROWS:
        foreign = row.foreign
        assert hasattr(ThreadlinkServer, row.ours.situation), row.fault
        known = BOTS if hasattr(OtherPrograms, foreign.situation) else CALLERS
        assert foreign.program in known, row.fault
        assert row.ours.does, row.fault
        assert foreign.does, row.fault
        assert row.why, row.fault

"""The switches of the faults."""

import pytest

from app.emulator.context import Emulator
from app.emulator.faults.table import FAULTS


def test_every_fault_names_what_it_does_and_its_source() -> None:
    assert len(FAULTS) > 40
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.does.endswith(".")
        assert fault.source


def test_a_fault_set_to_happen_twice_is_off_afterwards(emulator: Emulator) -> None:
    emulator.faults.turn_on("html", times=2)

    assert [True, True, False] == [emulator.faults.fires("html") for _ in range(3)]


def test_an_unknown_fault_cannot_be_turned_on(emulator: Emulator) -> None:
    with pytest.raises(KeyError):
        emulator.faults.turn_on("rain")
    with pytest.raises(ValueError, match="at least once"):
        emulator.faults.turn_on("html", times=0)

    assert {} == emulator.faults.on()

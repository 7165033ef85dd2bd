"""A simulated Messenger: Facebook's side of account linking, for laptops and tests.

Imports nothing else of Threadlink, so that the emulator and the server under test cannot share a
mistake. `EmulatorServer` serves it in a thread, `run` until stopped; `create_emulator` returns the
WSGI app alone. Each takes `EmulatorSettings`; `demo_settings` returns random ones. The origin at
which it is served is both GRAPH_URL and REDIRECT_ORIGINS of the server under test.
"""

from app.emulator.app import create_emulator
from app.emulator.faults.table import FAULTS
from app.emulator.pictures import HARBOUR_COFFEE_LOGO
from app.emulator.server import Description, EmulatorServer, describe, run
from app.emulator.settings import EmulatorSettings, PageSettings, demo_settings, psid_for
from app.emulator.triggers import TRIGGERS

__all__ = [
    "FAULTS",
    "HARBOUR_COFFEE_LOGO",
    "TRIGGERS",
    "Description",
    "EmulatorServer",
    "EmulatorSettings",
    "PageSettings",
    "create_emulator",
    "demo_settings",
    "describe",
    "psid_for",
    "run",
]

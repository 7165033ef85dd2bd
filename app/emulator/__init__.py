"""A Messenger on one's own machine: Facebook's side of account linking, for laptops and tests.

`EmulatorServer` serves it in a thread, `run` until stopped, `create_emulator` is the bare WSGI app;
each takes `EmulatorSettings`, and `demo_settings` makes some. The origin it is served at is at once
GRAPH_URL and the one entry of REDIRECT_ORIGINS for the server under test. Nothing of that server is
imported here, so that the two cannot share a mistake.
"""

from app.emulator.app import create_emulator
from app.emulator.faults.table import FAULTS
from app.emulator.server import Description, EmulatorServer, describe, run
from app.emulator.settings import EmulatorSettings, PageSettings, demo_settings, psid_for
from app.emulator.triggers import TRIGGERS

__all__ = [
    "FAULTS",
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

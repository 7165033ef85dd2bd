"""A simulated Messenger for your own tests: pytest fixtures around `threadlink emulator`.

In a conftest.py::

    pytest_plugins = ["threadlink_testing"]

and in a test::

    def test_a_customer_logs_in(messenger, person):
        messenger.deliver_to("http://127.0.0.1:8000/webhook")
        messenger.set_linking_url("http://127.0.0.1:8000/authorize")

        page = person.taps_log_in().submits(username="jane@example.com", password="…")

        assert person.is_linked
        assert messenger.received("webhook")[-1].status == 200

The fixtures start ``threadlink emulator`` as a child process, once for all tests, and reset it
before each. The package imports pytest and requests, and nothing of Threadlink: the command may be
installed in an environment of its own, named by THREADLINK_COMMAND. `docs/testing.md` has complete
examples, for Python and for Node.
"""

from threadlink_testing.client import Messenger
from threadlink_testing.control import EmulatorError
from threadlink_testing.exchange import Exchange
from threadlink_testing.fixtures import messenger, messenger_options, messenger_process, person
from threadlink_testing.people import Person
from threadlink_testing.process import running
from threadlink_testing.window import Window

__all__ = [
    "EmulatorError",
    "Exchange",
    "Messenger",
    "Person",
    "Window",
    "messenger",
    "messenger_options",
    "messenger_process",
    "person",
    "running",
]

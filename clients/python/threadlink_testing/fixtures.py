"""The pytest fixtures."""

from collections.abc import Iterator, Sequence

import pytest

from threadlink_testing.client import Messenger
from threadlink_testing.people import Person
from threadlink_testing.process import running


@pytest.fixture(scope="session")
def messenger_options() -> Sequence[str]:
    """Return the emulator's options; override it with others, such as ``("--page", "Books")``."""
    return ()


@pytest.fixture(scope="session")
def messenger_process(messenger_options: Sequence[str]) -> Iterator[Messenger]:
    """Yield one emulator for all tests; its address and secrets stay the same."""
    with running(messenger_options) as messenger:
        yield messenger


@pytest.fixture
def messenger(messenger_process: Messenger) -> Messenger:
    """Return the running Messenger, reset."""
    messenger_process.reset()
    return messenger_process


@pytest.fixture
def person(messenger: Messenger) -> Person:
    """Return the first person on the first page."""
    return messenger.people[0]

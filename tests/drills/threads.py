"""Threads that work as long as a block lasts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def going_on(*works: Callable[[threading.Event], object]) -> Iterator[None]:
    """Run each of *works* in a thread of its own, and wait for their ends after the block.

    Each is given the event that is set when the block is over.
    """
    over = threading.Event()
    threads = [threading.Thread(target=work, args=(over,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()

"""`threadlink`, but each use case in a transaction of its own, to compare group commit with."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.cli import main
from app.groups import Groups, HandedBack

# As many at once as Flask has threads.
THREADS = ThreadPoolExecutor(32)


def hand_back(*_args: Any, **_kwargs: Any) -> None:
    raise HandedBack


async def hand_back_meanwhile(*_args: Any, **_kwargs: Any) -> None:
    asyncio.get_running_loop().set_default_executor(THREADS)
    raise HandedBack


# Nothing else is changed.
Groups.commit = hand_back  # type: ignore[method-assign,assignment]
Groups.commit_meanwhile = hand_back_meanwhile  # type: ignore[method-assign,assignment]
main()

"""`threadlink` with a transaction for each use case, as a comparison for group commit."""

from typing import Any

from app.cli import main
from app.infra.database.group_commit import GroupCommitter, HandedBack


def hand_back(*_args: Any, **_kwargs: Any) -> None:
    raise HandedBack


async def hand_back_meanwhile(*_args: Any, **_kwargs: Any) -> None:
    raise HandedBack


# Nothing else is changed: a use case that is handed back runs alone, in one of sixteen threads.
GroupCommitter.commit = hand_back  # type: ignore[method-assign,assignment]
GroupCommitter.commit_meanwhile = hand_back_meanwhile  # type: ignore[method-assign,assignment]
main()

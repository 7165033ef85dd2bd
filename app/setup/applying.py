"""The changes of `threadlink setup` at Meta: all of them, or none."""

from collections.abc import Iterator, Sequence

from app.messenger.errors import GraphError, GraphRefused, TokenDead
from app.setup import plan
from app.setup.meta_checks import Meta
from app.setup.plan import Change, Made


class NotApplied(Exception):
    """Meta did not take *change*; of those before it, *left* could not be undone."""

    def __init__(self, change: Change, cause: GraphError, left: Sequence[Change]) -> None:
        super().__init__(str(cause))
        self.change = change
        self.cause = cause
        self.left = tuple(left)


def apply_all(meta: Meta, changes: Sequence[Change], *, verify_token: str) -> Iterator[Made]:
    """Make *changes* at Meta, in order, and yield each once it is made.

    Raises:
        NotApplied: Meta did not take one; those before it have been undone, as far as it let us.
    """
    made: list[Change] = []
    for change in changes:
        try:
            done = plan.apply(meta, change, verify_token=verify_token)
        except GraphError as exc:
            # What Meta refuses it has not changed; of what it did not answer nobody knows.
            is_unchanged = isinstance(exc, GraphRefused) and not isinstance(exc, TokenDead)
            doubtful = [] if is_unchanged else [change]
            left = [*_undo(meta, [*made, *doubtful], verify_token=verify_token)]
            raise NotApplied(change, exc, left) from exc
        made.append(done.change)
        yield done


def _undo(meta: Meta, made: Sequence[Change], *, verify_token: str) -> Iterator[Change]:
    """Undo *made*, the last one first; yield those that Meta does not take back."""
    for change in reversed(made):
        try:
            is_whole = not plan.apply(
                meta, plan.inverse(change), verify_token=verify_token
            ).left_out
        except GraphError:
            is_whole = False
        if not is_whole:
            yield change

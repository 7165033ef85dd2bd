"""A temporary change of the settings at Meta, restored afterwards.

The undo file is written before the first change, and removed when everything is restored. After a
crash, `threadlink setup --undo` reads it, and so does the next TemporarySetup.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from app.infra import private_files
from app.setup import plan
from app.setup.meta_checks import Meta
from app.setup.plan import Change, GetStartedChange, LinkingUrlChange, Made
from app.setup.state import BadUndo, State, read_state

# Calls of the Messenger Profile API that Meta allows for each page within ten minutes
# (developers.facebook.com, "Messenger Profile API", November 2026).
MOST_CALLS: Final = 10
# A minute more than Meta's ten: it counts from when a call arrives, by its own clock.
WITHIN: Final = timedelta(minutes=11)
# Reserved for restoring: one call that reads, one that changes.
KEPT_BACK: Final = 2


class TooSoon(Exception):
    """Another call would exceed Meta's limit; from *at* on it is allowed."""

    def __init__(self, at: datetime) -> None:
        super().__init__(str(at))
        self.at = at


class TemporarySetup:
    """The app's webhook and the pages' settings at Meta, changed for a while."""

    def __init__(self, file: Path) -> None:
        """Use the undo file *file*; an earlier change that was not restored is taken over.

        Raises:
            BadUndo: *file* exists, and is not such a file.
        """
        self.file = file
        self._before: State | None = None
        self._ours: tuple[str, ...] = ()
        # The present state at Meta; None: it must be read first.
        self._now: State | None = None
        self._calls: list[datetime] = []
        if file.exists():
            self._read()

    @property
    def is_open(self) -> bool:
        """True while there is something to restore."""
        return self._before is not None

    def apply(
        self, meta: Meta, *, take_webhook: bool, verify_token: str, bot: bool, at: datetime
    ) -> Iterator[Made]:
        """Change the settings at Meta to those of *meta*; yield each change once it is made.

        Raises:
            ForeignWebhook: The app's webhook is another program's, and *take_webhook* is not set.
            TooSoon: The limit of calls is reached; nothing was changed.
            BadUndo: The state to restore is of other pages.
            GraphError: Meta refused a change; those before it remain.
        """
        self._check_calls(at, has_links=meta.has_links)
        now = self._state(meta, at)
        is_ours = now.webhook is not None and now.webhook.url in self._ours
        fields = plan.BOT_FIELDS if bot else ()
        after = plan.wanted(now, meta, more_fields=fields, take_webhook=take_webhook or is_ours)
        changes = plan.changes(now, after, needed=plan.needed_fields(meta, fields))
        if self._before is None:
            self._before = now
        # Raises if this could not be restored, before anything is changed.
        plan.changes(after, self._before)
        self._ours = (*self._ours, meta.webhook_url)
        self._write()
        yield from self._make(meta, changes, after, verify_token=verify_token, at=at)

    def restore(self, meta: Meta, *, verify_token: str, at: datetime) -> Iterator[Made]:
        """Restore the earlier settings; yield each change once it is made.

        Raises:
            GraphError: Meta refused a change; the undo file stays.
        """
        if self._before is not None:
            now = self._state(meta, at)
            changes = plan.changes(now, self._before)
            yield from self._make(meta, changes, self._before, verify_token=verify_token, at=at)
        self._before = None
        self.file.unlink(missing_ok=True)

    def _make(
        self,
        meta: Meta,
        changes: Sequence[Change],
        after: State,
        *,
        verify_token: str,
        at: datetime,
    ) -> Iterator[Made]:
        # Of one page: the limit is for each.
        kinds = {type(change) for change in changes}
        self._calls.extend(at for kind in (LinkingUrlChange, GetStartedChange) if kind in kinds)
        # Unknown until all changes are made.
        self._now = None
        is_whole = True
        for change in changes:
            made = plan.apply(meta, change, verify_token=verify_token)
            is_whole = is_whole and not made.left_out
            yield made
        self._now = after if is_whole else None

    def _state(self, meta: Meta, at: datetime) -> State:
        if self._now is None:
            self._calls.append(at)
            self._now = read_state(meta)
        return self._now

    def _check_calls(self, at: datetime, *, has_links: bool) -> None:
        # Get Started is a call of its own, now and to restore it.
        needed = (1 if self._now else 2) + 2 * has_links
        self._calls = [call for call in self._calls if at - call < WITHIN]
        excess = len(self._calls) + needed + KEPT_BACK - MOST_CALLS
        if excess > 0:
            raise TooSoon(self._calls[excess - 1] + WITHIN)

    def _write(self) -> None:
        assert self._before is not None  # noqa: S101 - for the type checker
        text = json.dumps({**asdict(self._before), "ours": self._ours}, indent=2)
        private_files.write(self.file, text)

    def _read(self) -> None:
        text = self.file.read_text(encoding="utf-8")
        self._before = State.from_json(text)
        match json.loads(text):
            case {"ours": list(urls)}:
                self._ours = tuple(str(url) for url in urls)
            case _:
                raise BadUndo

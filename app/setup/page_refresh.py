"""The questions to Graph about the Pages' names and pictures.

Nobody waits for them: a question that fails changes nothing of what is kept.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from app.infra.database.writer import Writer
from app.messenger.errors import GraphRefused, GraphUnavailable
from app.messenger.graph.page_profile import PageProfile
from app.messenger.graph.setup import PageClient
from app.messenger.pictures import Picture, PictureFetcher, PictureRefused
from app.messenger.types import PageId
from app.setup import page_profiles
from app.setup.page_profiles import KeptProfile

log = structlog.get_logger()

MOST_PICTURE_BYTES: Final = 200 * 1024
PICTURE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of a question: the profile before and after, and why it may be the same."""

    before: KeptProfile
    after: KeptProfile
    # What Graph said in place of a profile, and why its picture could not be had; empty if neither.
    failure: str = ""
    picture_failure: str = ""


@dataclass(frozen=True, slots=True)
class PageRefresh:
    """The questions to Graph about Pages, by the *client* of each, and what is kept of them."""

    store: Writer
    fetcher: PictureFetcher
    client: Callable[[PageId], PageClient]

    def refresh_due(self, page_ids: Collection[PageId], at: datetime) -> Iterator[object]:
        """Ask about those of *page_ids* that are due, in steps."""
        for page_id in self.store.read(page_profiles.due, page_ids, at=at):
            yield self.refresh(PageId(page_id), at)

    def refresh_all(self, page_ids: Collection[PageId], at: datetime) -> Iterator[Refreshed]:
        """Ask about all of *page_ids* that nobody has just asked about."""
        for page_id in page_ids:
            if outcome := self.refresh(page_id, at):
                yield outcome

    def refresh(self, page_id: PageId, at: datetime, *, anyway: bool = False) -> Refreshed | None:
        """Ask Graph about *page_id*, and keep its answer; None if another has just asked."""
        if not self.store.write(page_profiles.claim, page_id, at=at, anyway=anyway):
            return None
        before = self.store.read(page_profiles.read_one, page_id)
        outcome = self._asked(page_id, before, at)
        if outcome.after != before:
            self.store.write(page_profiles.keep, page_id, outcome.after)
        _tell(page_id, outcome)
        return outcome

    def _asked(self, page_id: PageId, before: KeptProfile, at: datetime) -> Refreshed:
        try:
            told = self.client(page_id).profile(page_id)
        except GraphRefused as exc:
            return Refreshed(before, replace(before, refused_code=exc.code), str(exc))
        except GraphUnavailable as exc:
            return Refreshed(before, before, str(exc))
        picture, failure = self._picture(told, before.picture)
        after = KeptProfile(told.name or before.name, picture, answered_at=at)
        return Refreshed(before, after, picture_failure=failure)

    def _picture(self, told: PageProfile, kept: Picture | None) -> tuple[Picture | None, str]:
        """Return the picture to keep, and why it is not the one that was told."""
        if not told.tells_picture:
            return kept, ""
        if told.picture_url is None:
            return None, ""
        try:
            fetched = self.fetcher.fetch(
                told.picture_url, most_bytes=MOST_PICTURE_BYTES, total_s=PICTURE_S
            )
        except PictureRefused as exc:
            return kept, exc.reason
        return fetched, ""


def _tell(page_id: PageId, outcome: Refreshed) -> None:
    before, after = outcome.before, outcome.after
    changed = [
        name for name in ("name", "picture") if getattr(before, name) != getattr(after, name)
    ]
    if changed:
        log.info("page_profile.changed", page=page_id, fields=changed, name=after.name)
    if outcome.failure or outcome.picture_failure:
        log.warning(
            "page_profile.refused",
            page=page_id,
            code=after.refused_code,
            told=outcome.failure or None,
            picture=outcome.picture_failure or None,
        )

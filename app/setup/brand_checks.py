"""Checks of what people see of the business: its name, and the link to its privacy policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.setup.findings import Finding, ok, warning

# Asked daily: by then something keeps Meta from telling it.
OLD: Final = timedelta(days=7)
_SOURCES: Final = {"settings": "from the settings", "meta": "from Meta"}
_REFRESH: Final = "threadlink pages refresh --page {} says what keeps Meta from telling it"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPage:
    """A Page as people see it; *name_source* is "settings", "meta" or "host"."""

    id: str
    name: str
    name_source: str
    has_privacy_link: bool
    # When Meta told the name and the picture last; None if never.
    answered_at: datetime | None
    # Nothing of Meta's is shown: neither the name nor the picture.
    is_all_set: bool


def check_brand(page: SeenPage, *, is_production: bool, at: datetime) -> Iterator[Finding]:
    """Yield findings about what people see of *page*."""
    subject = f"name of page {page.id}"
    if page.name_source in _SOURCES:
        yield ok(subject, f"people see “{page.name}”, {_SOURCES[page.name_source]}")
    else:
        fix = f"PAGE_NAME, or brand.name in PAGES_FILE; {_REFRESH.format(page.id)}"
        yield warning(subject, f"people see the host name {page.name}", fix)
    if is_production and not page.has_privacy_link:
        words = "there is none at the foot of the pages, where people look for it"
        fix = "PRIVACY_URL, or brand.privacy_url in PAGES_FILE"
        yield warning(f"privacy link of page {page.id}", words, fix)
    if page.answered_at is not None and at - page.answered_at > OLD and not page.is_all_set:
        days = (at - page.answered_at).days
        words = f"Meta has not told its name and picture for {days} days; people see the last ones"
        yield warning(f"profile of page {page.id}", words, _REFRESH.format(page.id))

"""The page of one cause: the sentence, the fix, how often by day and Page, the newest attempts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.linking.attempt_lists import SHOWN, ListFilter, list_attempts
from app.linking.causes.cause import Cause, Stage
from app.linking.causes.table import CAUSES
from app.linking.entry_refusals import Refusal, newest_refusals
from app.linking.statistics import CountFilter, places_of_cause
from app.messenger.types import PageId
from app.operators.roles import Role
from app.web.console import rendering, words
from app.web.console.charts import Column, ColumnChart, column_chart
from app.web.console.current import now
from app.web.console.overview import chosen_days
from app.web.console.reading import part
from app.web.console.rules import allows

bp = Blueprint("causes", __name__)

DEFAULT_DAYS: Final = 30
# A cause of a former version may still be counted.
_SLUG: Final = re.compile(r"[a-z_]{1,32}")
_FACT: Final = re.compile(r"\{(\w+)\}")
# The facts of one attempt, as words of all of them.
_FACTS: Final[Mapping[str, str]] = {
    "authenticator": "the way to sign in",
    "times": "one or more times",
    "last": "some time",
    "until": "some minutes later",
    "limit": "of one kind",
    "code": "with a code of Graph’s",
    "says": "Meta refused.",
    "trace": "",
    "detail": "",
    "detail_only": "see the attempt",
    "problem": "see the attempt",
    "taken": "deliveries",
    "refused": "deliveries",
    "reference": "REFERENCE",
}


@bp.get("/causes/<slug>")
@allows(Role.VIEWER)
def show(slug: str) -> ResponseReturnValue:
    """Show the cause *slug*."""
    cause = CAUSES.get(slug)
    if not _SLUG.fullmatch(slug):
        raise NotFound
    at, days = now(), chosen_days(DEFAULT_DAYS)
    is_of_attempts = cause is None or cause.stage is not Stage.NONE
    wanted = CountFilter.of_last(days, at.date())
    places = part(places_of_cause, slug, wanted)
    if cause is None and not places:
        raise NotFound
    return rendering.page(
        "cause.html",
        slug=slug,
        cause=cause,
        is_of_attempts=is_of_attempts,
        sentence=_of_all(cause.sentence) if cause else "",
        fix=[*fix_parts(cause)] if cause else [],
        fixed_by=words.fixer_of(slug),
        days=days,
        places=None
        if places is None
        else [
            (f"{day:%d %b %Y}", words.page_name(page_id), f"{number:,}")
            for (day, page_id), number in places.items()
        ],
        chart=_chart(places or {}, wanted.since, at.date()),
        listed=part(list_attempts, ListFilter(cause=slug), at=at) if is_of_attempts else None,
        refusals=_refusals(slug),
    )


def fix_parts(cause: Cause) -> Iterator[tuple[str, bool]]:
    """Yield the fix in parts, each with whether it is a command, which backticks mark."""
    for place, text in enumerate(_of_all(cause.fix).split("`")):
        if text:
            yield text, place % 2 == 1


def _of_all(text: str) -> str:
    return _FACT.sub(lambda fact: _FACTS.get(fact[1], "…"), text)


def _refusals(slug: str) -> Sequence[Refusal] | None:
    found = part(newest_refusals, at=now())
    return None if found is None else [one for one in found if one.cause == slug][:SHOWN]


def _chart(places: Mapping[tuple[date, PageId], int], since: date, today: date) -> ColumnChart:
    numbers: dict[date, int] = {}
    for (day, _), number in places.items():
        numbers[day] = numbers.get(day, 0) + number
    days = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    columns = [Column(f"{day:%d %b}", numbers.get(day, 0), numbers.get(day, 0)) for day in days]
    return column_chart("by-day", "Attempts by day", columns, part="attempts", rest="")

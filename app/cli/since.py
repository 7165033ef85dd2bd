"""Moments as people type them: 2h, 30m, 7d, or a date."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from app.infra import clock

_AGO: Final = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType[datetime]):
    """A time in UTC: as long ago as ``2h`` says, or a date with or without a time of day."""

    name = "2h|DATE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        if ago := _AGO.fullmatch(value):
            return clock.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time: 30m, 2h, 7d, 2026-11-26 or 2026-11-26T14:02", param, ctx
            )
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

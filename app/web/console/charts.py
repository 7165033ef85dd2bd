"""Geometry of the console's charts: numbers in, rectangles out; the templates draw them as SVG.

Two kinds: bars in rows, with a label each, and columns of two parts in a row of days or times. All
are as wide as a phone in their own units, so that their text can be read there; each carries its
numbers as a table as well, for whoever cannot see it or wants them exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 300
_ROW: Final = 34
_BAR: Final = 12
# Of a row: the label and the number stand above the bar.
_BASELINE: Final = 13
_BAR_AT: Final = 18
# Of columns: room for the number above the highest, and for the labels below.
_TOP: Final = 16
_PLOT: Final = 90
_BOTTOM: Final = 18
_GAP: Final = 0.2
# More columns have labels at both ends only.
_ALL_LABELLED: Final = 8
# What is there is to be seen, however little.
_LEAST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a chart in rows; *note* is told beside the number."""

    label: str
    number: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class RowBar:
    """A row as it is drawn; *baseline* is that of its text."""

    label: str
    words: str
    baseline: int
    y: int
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChart:
    """A chart in rows."""

    title: str
    description: str
    bars: tuple[RowBar, ...]
    height: int
    bar_height: int = _BAR
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Column:
    """An entry of a chart in columns: *part* of the *total* is drawn solid, the rest hatched."""

    label: str
    total: int
    part: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBar:
    """A column as it is drawn; *label* and *words* are empty where there is no room."""

    x: float
    width: float
    part_y: float
    part_height: float
    rest_y: float
    rest_height: float
    label: str
    words: str
    # "start", "middle" or "end" of the text is at *text_x*.
    anchor: str
    text_x: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChart:
    """A chart in columns; *id* is unique in the page, for the pattern."""

    id: str
    title: str
    description: str
    part_name: str
    rest_name: str
    bars: tuple[ColumnBar, ...]
    floor: int = _TOP + _PLOT
    label_at: int = _TOP + _PLOT + 13
    height: int = _TOP + _PLOT + _BOTTOM
    width: int = WIDTH


def row_chart(title: str, rows: Sequence[Row]) -> RowChart:
    """Return the chart of *rows*, the longest as wide as the chart."""
    most = max((row.number for row in rows), default=0)
    bars = tuple(
        RowBar(
            label=row.label,
            words=f"{row.number:,}" + (f" · {row.note}" if row.note else ""),
            baseline=place * _ROW + _BASELINE,
            y=place * _ROW + _BAR_AT,
            width=_length(row.number, most, WIDTH),
        )
        for place, row in enumerate(rows)
    )
    told = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
    return RowChart(title=title, description=told, bars=bars, height=len(rows) * _ROW)


def column_chart(
    chart_id: str, title: str, columns: Sequence[Column], *, part: str, rest: str
) -> ColumnChart:
    """Return the chart of *columns*: *part* and *rest* are the names of what is drawn."""
    most = max((column.total for column in columns), default=0)
    step = WIDTH / max(1, len(columns))
    highest = next((n for n, column in enumerate(columns) if most and column.total == most), None)
    bars = tuple(
        _column(place, column, most, step, len(columns), is_highest=place == highest)
        for place, column in enumerate(columns)
    )
    return ColumnChart(
        id=chart_id,
        title=title,
        description=_description(columns, highest, part, rest),
        part_name=part,
        rest_name=rest,
        bars=bars,
    )


def _description(columns: Sequence[Column], highest: int | None, part: str, rest: str) -> str:
    if highest is None:
        return "Nothing in this time."
    total, of_part = (sum(getattr(one, name) for one in columns) for name in ("total", "part"))
    told = f"{part}: {of_part:,}"
    if rest:
        told += f"; {rest}: {total - of_part:,}"
    most = columns[highest]
    ends = f"From {columns[0].label} to {columns[-1].label}."
    return f"{told}. Most: {most.label}, {most.total:,}. {ends}"


def _column(  # noqa: PLR0913 - a place among others
    place: int, column: Column, most: int, step: float, count: int, *, is_highest: bool
) -> ColumnBar:
    floor = _TOP + _PLOT
    part = _length(column.part, most, _PLOT)
    rest = _length(column.total - column.part, most, _PLOT)
    x, width = place * step + step * _GAP / 2, step * (1 - _GAP)
    is_few = count <= _ALL_LABELLED
    anchor, text_x = _text_at(place, x + width / 2, count, is_few=is_few)
    return ColumnBar(
        x=round(x, 2),
        width=round(width, 2),
        part_y=round(floor - part, 2),
        part_height=part,
        rest_y=round(floor - part - rest, 2),
        rest_height=rest,
        label=column.label if is_few or place in {0, count - 1} else "",
        words=f"{column.total:,}" if (is_few and column.total) or is_highest else "",
        anchor=anchor,
        text_x=round(text_x, 2),
    )


def _text_at(place: int, middle: float, count: int, *, is_few: bool) -> tuple[str, float]:
    if is_few:
        return "middle", middle
    # Labels at the ends are wider than their columns.
    if middle < WIDTH * 0.15:
        return "start", 0 if place == 0 else middle
    if middle > WIDTH * 0.85:
        return "end", WIDTH if place == count - 1 else middle
    return "middle", middle


def _length(number: int, most: int, full: float) -> float:
    return round(max(_LEAST, full * number / most), 2) if number else 0

"""CSV files as spreadsheets write them, read whole before anything is done with a row.

Excel separates by the semicolon or the tab wherever the comma is in numbers, may begin with
``sep=;``, writes UTF-16 as "Unicode text", and ends a sheet with empty rows.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import click

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(?P<separator>[,;\t])"?(?:\r\n|\r|\n)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty: the line it begins in, its values by column, what is wrong."""

    line: int
    values: dict[str, str] = field(repr=False)
    fault: str = ""


def read_rows(file: BinaryIO, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of *file*, whose first line names at least the *required* columns.

    Columns may have any order, and their names capitals and spaces; others are left out.

    Raises:
        click.ClickException: The file is no CSV in UTF-8, or lacks a column.
    """
    text = _decoded(file.read())
    said = _SEPARATOR_LINE.match(text)
    separators = said["separator"] if said else "".join(_SEPARATORS)
    headers = {each: _header(text[said.end() if said else 0 :], each) for each in separators}
    separator = max(separators, key=lambda each: len({*headers[each]} & {*required}))
    names = headers[separator]
    if missing := [name for name in required if name not in names]:
        raise click.ClickException(
            f"the first line must name {' and '.join(sorted(missing))}, "
            "separated by commas, semicolons or tabs"
        )
    known = [name for name in names if name in {*required, *optional}]
    if doubled := sorted({name for name in known if known.count(name) > 1}):
        raise click.ClickException(f"the first line names {doubled[0]} twice")
    records = _records(text, separator, skip=said is not None)
    next(records)
    return [
        _row(line, cells, names, known, separator)
        for line, cells in records
        if any(map(str.strip, cells))
    ]


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise click.ClickException("the file is no text in UTF-8; nothing was changed")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        # `from None`: the error's text contains the line, and so perhaps a hash.
        raise click.ClickException(
            f'line {line} is not CSV in UTF-8: save the file as "CSV UTF-8"; nothing was changed'
        ) from None


def _header(text: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []
    return [_name(cell) for cell in cells]


def _name(cell: str) -> str:
    """Return a column's name as we write it, for "Password Hash" as well."""
    return re.sub(r"[\s_-]+", "_", cell.strip().casefold())


def _records(text: str, separator: str, *, skip: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    if skip:
        next(reader)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise click.ClickException(
                f"line {line} is not CSV in UTF-8: a quote in it stands alone; nothing was changed"
            ) from None


def _row(line: int, cells: list[str], names: list[str], known: list[str], separator: str) -> Row:
    values = dict(zip(names, (cell.strip() for cell in cells), strict=False))
    fault = ""
    if any(map(str.strip, cells[len(names) :])):
        fault = (
            "this row has more columns than the first line: "
            f"a value with a {_SEPARATORS[separator]} in it must stand in quotes"
        )
    elif len(cells) < len(names) and not values.keys() >= {*known}:
        fault = "this row has fewer columns than the first line"
    return Row(line, {name: values.get(name, "") for name in known}, fault)

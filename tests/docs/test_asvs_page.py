"""docs/asvs.md against the requirements of OWASP ASVS 5.0.0, the tests and the deviations it names.

Each requirement of levels 1 and 2 must be on the page once: as a row that names evidence that
exists (a test or a file at level 1), as a deviation that docs/security.md records, or as not
applicable, with the reason.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.docs.asvs_requirements import LEVEL_OF

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/asvs.md").read_text(encoding="utf-8")
SECURITY: Final = (ROOT / "docs/security.md").read_text(encoding="utf-8")

NUMBER: Final = r"\d{1,2}\.\d\.\d{1,2}"
ROW: Final = re.compile(rf"(?m)^\| ({NUMBER}) \| (L\d) \| (.+?) \| (\w+) \| (.+?) \| (.+) \|$")
# "Not applicable: 1.2.7, 1.2.8: why; 1.3.8: why."
EXCLUDED: Final = re.compile(r"(?m)^Not applicable: (.+)$")
EXCLUSION: Final = re.compile(rf"((?:{NUMBER}, )*{NUMBER}): (\S.{{5,}})")
CODE: Final = re.compile(r"`([^`]+)`")
LINK: Final = re.compile(r"\]\(([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Row:
    number: str
    level: str
    asked: str
    result: str
    how: str
    evidence: str


def faults_of(page: str, security: str = SECURITY) -> list[str]:
    """Return everything on *page* that an auditor could not sign."""
    rows = [Row(*found) for found in ROW.findall(page)]
    excluded = dict(_excluded(page))
    return [
        *_numbers_that_are_wrong([row.number for row in rows] + list(excluded)),
        *(f"{number}: no reason" for number, why in excluded.items() if not why),
        *(fault for row in rows for fault in _faults_of_row(row)),
        *_deviations_that_differ(rows, security),
        *(f"no row: {line}" for line in page.splitlines() if _is_broken_row(line)),
    ]


def _excluded(page: str) -> Iterator[tuple[str, str]]:
    for line in EXCLUDED.findall(page):
        for exclusion in line.removesuffix(".").split("; "):
            found = EXCLUSION.fullmatch(exclusion)
            numbers = re.findall(NUMBER, exclusion.partition(": ")[0])
            yield from ((number, found[2] if found else "") for number in numbers)


def _numbers_that_are_wrong(numbers: list[str]) -> Iterator[str]:
    counts = Counter(numbers)
    yield from (f"{number}: missing" for number in LEVEL_OF if number not in counts)
    yield from (f"{number}: not of levels 1 and 2" for number in counts if number not in LEVEL_OF)
    yield from (f"{number}: twice" for number, count in counts.items() if count > 1)


def _faults_of_row(row: Row) -> Iterator[str]:
    if row.level != f"L{LEVEL_OF.get(row.number)}":
        yield f"{row.number}: another level"
    if row.result not in {"met", "deviation"}:
        yield f"{row.number}: neither met nor a deviation"
    files, links = CODE.findall(row.evidence), LINK.findall(row.evidence)
    if row.result == "met" and not files and not links:
        yield f"{row.number}: no evidence"
    if row.level == "L1" and not files:
        yield f"{row.number}: level 1, and neither a test nor a file"
    if row.result == "deviation" and "security.md#deviations" not in links:
        yield f"{row.number}: does not lead to the deviations"
    yield from (f"{row.number}: no such evidence: {one}" for one in files if not _exists(one))


def _exists(evidence: str) -> bool:
    """Return whether *evidence* is a file, and the test that it may name is in it."""
    file, _, test = evidence.partition("::")
    path = ROOT / file
    return path.is_file() and (not test or test in _tests_in(path))


@cache
def _tests_in(path: Path) -> frozenset[str]:
    """Return the tests in *path*, by the names by which pytest runs them."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    inside = ((f"{node.name}::", node.body) for node in body if isinstance(node, ast.ClassDef))
    return frozenset(
        f"{prefix}{node.name}"
        for prefix, nodes in [("", body), *inside]
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def _deviations_that_differ(rows: list[Row], security: str) -> Iterator[str]:
    section = security.partition("\n## Deviations\n")[2].partition("\n## ")[0]
    cells = re.findall(rf"(?m)^\| ((?:{NUMBER}(?:, )?)+) \| [^|]+ \| [^|]+ \|$", section)
    recorded = {number for cell in cells for number in cell.split(", ")}
    claimed = {row.number for row in rows if row.result == "deviation"}
    yield from (f"{number}: not recorded as a deviation" for number in claimed - recorded)
    yield from (f"{number}: recorded, but no deviation here" for number in recorded - claimed)


def _is_broken_row(line: str) -> bool:
    return re.match(rf"\| {NUMBER} ", line) is not None and not ROW.fullmatch(line)


def test_each_requirement_is_met_a_deviation_or_not_applicable() -> None:
    """The whole page: numbers, levels, evidence, deviations."""
    assert [] == faults_of(PAGE)
    assert len(ROW.findall(PAGE)) > 150


# What an edit may do to the page, and the fault that must then be found.
_FIRST: Final = ROW.search(PAGE)
_LINE: Final = _FIRST[0] if _FIRST else ""
MUTATIONS: Final[list[tuple[str, Callable[[], str], str]]] = [
    ("a row is lost", lambda: PAGE.replace(f"{_LINE}\n", ""), "missing"),
    ("a row comes twice", lambda: PAGE.replace(_LINE, f"{_LINE}\n{_LINE}"), "twice"),
    ("a level is wrong", lambda: re.sub(r"(?m)^(\| 1\.2\.1 \|) L1", r"\1 L2", PAGE), "level"),
    ("level 3", lambda: re.sub(r"(?m)^\| 1\.2\.1 ", "| 1.2.10 ", PAGE), "not of levels"),
    ("a result is vague", lambda: PAGE.replace(" | met | ", " | partly | ", 1), "neither"),
    ("a test is renamed", lambda: re.sub(r"::test_\w+", "::test_gone", PAGE, count=1), "evidence"),
    ("a file is moved", lambda: PAGE.replace("`tests/web/", "`tests/gone/", 1), "evidence"),
    (
        "evidence is lost",
        lambda: re.sub(r"(?m)^(\| 1\.2\.1 .*\| ).*\|$", r"\1- |", PAGE),
        "no evid",
    ),
    ("words alone", lambda: re.sub(r"(?m)^(\| 1\.2\.1 .*\| ).*\|$", r"\1[a](b) |", PAGE), "a test"),
    ("a deviation is hidden", lambda: PAGE.replace(" | deviation | ", " | met | ", 1), "recorded"),
    ("a new deviation", lambda: PAGE.replace(" | met | ", " | deviation | ", 1), "not recorded"),
    ("no reason", lambda: re.sub(r"(?m)^(Not applicable: [\d.]+): .*$", r"\1: no", PAGE), "reason"),
    ("a bar in a cell", lambda: PAGE.replace(_LINE, _LINE.replace(" | met", " met")), "no row"),
]


@pytest.mark.parametrize(
    ("edit", "fault"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS]
)
def test_an_edit_that_breaks_the_page_is_found(edit: Callable[[], str], fault: str) -> None:
    mutated = edit()

    assert mutated != PAGE
    assert any(fault in found for found in faults_of(mutated))


def test_a_deviation_that_is_no_longer_recorded_is_found() -> None:
    unrecorded = SECURITY.replace("\n## Deviations\n", "\n## Gone\n")

    assert any("not recorded" in fault for fault in faults_of(PAGE, unrecorded))

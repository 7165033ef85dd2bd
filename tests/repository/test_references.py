"""References in the tree: the documents, files, anchors and R-numbers that are named exist."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = (
    ".ci",
    "app",
    "bench",
    "clients",
    "docs",
    "examples",
    "migrations",
    "templates",
    "tests",
)
# Python's own and the package manager's: neither is written by hand.
NOT_OURS: Final = {"__pycache__", "node_modules", "uv.lock"}
# An example's files, in the reader's project; a made-up authenticator; folders inside the wheel.
ELSEWHERE: Final = re.compile(
    r"acme|app/(?:__init__|shop)\.py|tests/(?:conftest|test_linking)\.py"
    r"|app/(?:templates|migrations|examples)$"
)

DOCUMENT: Final = re.compile(r"(?<![\w/.-])[\w./-]*\w\.md\b")
REQUIREMENT: Final = re.compile(r"\bR\d+\b")
PATH: Final = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS[1:])})/[\w./-]*\w")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"(?m)^#{1,6} (.+)$")
FENCE: Final = re.compile(r"(?ms)^ *```.*?^ *```")


def _files() -> tuple[Path, ...]:
    """Return every text file of the repository that people write."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    return tuple(
        path.relative_to(ROOT)
        for path in sorted([*ROOT.glob("*"), ROOT / ".env.example", *inside])
        if path.is_file() and path.suffix != ".png" and not NOT_OURS & set(path.parts)
    )


FILES: Final = _files()
PAGES: Final = tuple(path for path in FILES if path.suffix == ".md")


def name(path: Path) -> str:
    return str(path)


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def prose(path: Path) -> str:
    """Return the page *path*, or the comments and docstrings of the program *path*."""
    if path.suffix != ".py":
        return text(path)
    comments = (
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text(path)).readline)
        if token.type == tokenize.COMMENT
    )
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = (
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, documented)
    )
    return "\n".join([*comments, *docstrings])


def exists(named: str, *places: Path) -> bool:
    return any((ROOT / place / named.lstrip("/")).exists() for place in places)


def anchors(path: Path) -> Iterator[str]:
    """Yield the anchors that GitHub gives the headings of the page *path*."""
    seen: Counter[str] = Counter()
    for heading in HEADING.findall(FENCE.sub("", text(path))):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


def test_every_document_that_is_named_exists() -> None:
    """In prose by its path; code that reads or writes a page of docs/ may leave the folder out."""
    in_prose = {
        (name(path), found)
        for path in FILES
        # To find the prose of a program takes much longer than to find that it names nothing.
        if DOCUMENT.search(text(path))
        for found in DOCUMENT.findall(prose(path))
        if not exists(found, Path(), path.parent)
    }
    in_code = {
        (name(path), found)
        for path in FILES
        for found in DOCUMENT.findall(text(path))
        if not exists(found, Path(), path.parent, Path("docs"))
    }

    assert set() == in_prose | in_code
    assert len(FILES) > 500


def test_every_path_that_is_named_in_prose_exists() -> None:
    named = {
        (path, found)
        for path in FILES
        if PATH.search(text(path))
        for found in PATH.findall(prose(path))
        if not ELSEWHERE.search(found)
    }

    assert set() == {
        (name(path), found) for path, found in named if not exists(found, Path(), path.parent)
    }


def test_every_requirement_that_is_named_has_a_row() -> None:
    rows = set(re.findall(r"(?m)^\| (R\d+) \|", text(Path("docs/security.md"))))

    named = {(str(path), number) for path in FILES for number in REQUIREMENT.findall(text(path))}

    assert set() == {(path, number) for path, number in named if number not in rows}
    assert len(rows) > 100


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_an_anchor(page: Path) -> None:
    links = {link for link in LINK.findall(FENCE.sub("", text(page))) if "://" not in link}

    assert set() == {link for link in links if not _leads(page, link)}


def _leads(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (ROOT / page.parent / file).resolve() if file else ROOT / page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.relative_to(ROOT))


def test_the_simulated_messenger_has_one_name() -> None:
    """It was called by another, which old texts bring back."""
    old = re.compile(r"pretended\s+Messenger")

    assert [] == [str(path) for path in FILES if old.search(text(path))]

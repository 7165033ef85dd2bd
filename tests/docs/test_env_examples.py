"""Every example of settings means the same to us, to docker, to Compose and to systemd."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import secret
from tests.docs.env_readers import READERS, Unreadable, compose, docker, systemd
from tests.docs.settings_in_code import names_in_source

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / ".env.example", *sorted((ROOT / "docs").rglob("*.*"))]
EXAMPLES: Final = [
    path
    for path in [*PAGES, *sorted((ROOT / "examples").rglob("*.*"))]
    if path.suffix not in {".png", ".svg", ".json", ".pyc"}
]
_KNOWN: Final = "|".join(
    re.escape(name).replace("<NAME>", "[A-Z0-9]+") for name in names_in_source()
)
# In a block, a line that begins with a setting; a "#" in front shows a default.
_LINE: Final = re.compile(rf"^ *#?((?:{_KNOWN})(?:_FILE)?=.*)$", re.MULTILINE)
# In a sentence or a table.
_INLINE: Final = re.compile(rf"`((?:{_KNOWN})(?:_FILE)?=[^`\n]*)`")


def statements(path: Path) -> list[str]:
    """Return the settings that *path* shows, in its blocks and in its sentences."""
    text = path.read_text(encoding="utf-8")
    return [*_LINE.findall(text), *_INLINE.findall(text)]


SHOWN: Final = sorted(
    {(path.relative_to(ROOT).as_posix(), line) for path in EXAMPLES for line in statements(path)}
)


def read_by_each(line: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    path = folder / "env"
    path.write_text(f"{line}\n", encoding="utf-8")
    for name, read in READERS.items():
        yield name, dict(read(path))


def test_an_example_means_the_same_to_every_reader(tmp_path: Path) -> None:
    """No comment behind a value, no quotes, no "$", no backslash, no space at an end."""
    for page, line in SHOWN:
        name, _, value = line.partition("=")
        same = {reader: {name: value} for reader in READERS}

        assert same == dict(read_by_each(line, tmp_path)), page
        # What stands behind some spaces is an explanation, or another setting.
        assert "  " not in value, page
        assert not re.search(r" [A-Z][A-Z_]{3,}=", value), page


def test_the_examples_are_found() -> None:
    pages = {page for page, _ in SHOWN}

    assert {".env.example", "docs/deploying.md", "docs/authenticators.md", "docs/meta.md"} <= pages
    assert "docs/quickstart.md" in pages
    assert ("docs/deploying.md", "SECRET_KEY=") in SHOWN


@pytest.mark.parametrize("reader", READERS)
def test_a_whole_file_means_the_same_to_every_reader(reader: str) -> None:
    """`.env.example` as it stands: what is empty there is not set, and no comment is a value."""
    read = dict(READERS[reader](ROOT / ".env.example"))

    assert {"SECRET_KEY": "", "APP_ID": "", "PAGE_ID": ""}.items() <= read.items()
    assert "http://127.0.0.1:8000" == read.pop("PUBLIC_URL")
    assert {""} == set(read.values())


# As the installation guide once had it; the three values are what each program hands over.
OF_BEFORE: Final = "SECRET_KEY=        # python3 -c 'import secrets; print(1)'"


@pytest.mark.parametrize("reader", [docker, compose, systemd])
def test_a_comment_behind_the_equals_sign_is_a_value_to_others(
    reader: type[object], tmp_path: Path
) -> None:
    """And is refused at the start, rather than signing cookies."""
    path = tmp_path / "env"
    path.write_text(f"{OF_BEFORE}\n", encoding="utf-8")
    read = reader(path)  # type: ignore[call-arg]

    settings = Reader(read)  # type: ignore[arg-type]
    settings.required("SECRET_KEY", secret)

    assert ["SECRET_KEY must not begin"] == [error[:25] for error in settings.errors]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=VAL# not a comment", "VAL# not a comment"),
        ("A=VAL # comment", "VAL"),
        ("A=  VAL  ", "VAL"),
        ("A=#x", "#x"),
        ("A=x$$y", "x$y"),
        ("A=x${B}y", "xy"),
    ],
)
def test_compose_is_read_as_its_document_says(line: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text(f"{line}\n", encoding="utf-8")

    assert {"A": expected} == compose(path)


@pytest.mark.parametrize("line", ["A='x'", 'A="x"'])
def test_what_the_readers_do_not_know_is_no_example(line: str, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text(f"{line}\n", encoding="utf-8")

    for reader in (compose, systemd):
        with pytest.raises(Unreadable):
            reader(path)
    assert {"A": line[2:]} == docker(path)

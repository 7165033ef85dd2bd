"""The licences of everything that the program installs (R114)."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = dict(
    re.findall(r"(?m)^\| ([a-z0-9-]+) \| ([^|]+) \|$", (ROOT / "docs/licences.md").read_text())
)
del TABLE["package"]

# What a business may run and pass on without asking anybody.
WELCOME = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "LGPL-3.0",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
}
# How packages without an SPDX expression (PEP 639) say it.
SAID = {
    "Apache-2.0": r"Apache",
    "BSD-2-Clause": r"BSD",
    "BSD-3-Clause": r"BSD",
    "LGPL-3.0": r"LGPL|Lesser General Public",
    "MIT": r"\bMIT\b",
    "MPL-2.0": r"MPL-2|Mozilla Public License 2",
}


def _installed_with_it() -> set[str]:
    """Return the names of all that comes with the program, as uv.lock has it, on any system."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    by_name = {package["name"]: package for package in locked}
    found: set[tuple[str, str]] = set()
    wanted = [("threadlink", "")]
    while wanted:
        name, extra = wanted.pop()
        package = by_name[name]
        needs = package.get("optional-dependencies", {}).get(extra, [])
        for needed in [*needs, *([] if extra else package.get("dependencies", []))]:
            for each in ("", *needed.get("extra", ())):
                if (needed["name"], each) not in found:
                    found.add((needed["name"], each))
                    wanted.append((needed["name"], each))
    return {name for name, _ in found}


def test_the_list_of_licences_has_what_is_installed_and_nothing_else() -> None:
    """R114."""
    assert _installed_with_it() == set(TABLE)
    assert len(TABLE) > 30


def test_no_licence_is_a_surprise() -> None:
    """R114: a new kind of licence is somebody's decision, and not a side effect."""
    kinds = {kind for said in TABLE.values() for kind in re.split(r" (?:AND|OR) ", said)}

    assert set() == kinds - WELCOME


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_package_says_the_same_of_itself(name: str) -> None:
    """R114: also after an upgrade; what is for other systems cannot be asked here."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        assert name == "tzdata"
        return
    if expressions := said.get_all("License-Expression", []):
        assert [TABLE[name]] == expressions
        return
    classified = [one for one in said.get_all("Classifier", []) if one.startswith("License ")]
    words = " ".join([*said.get_all("License", []), *classified])
    if not words.strip():
        words = _text_of(name)
    kinds = re.split(r" (?:AND|OR) ", TABLE[name])
    assert [] == [kind for kind in kinds if not re.search(SAID[kind], words)]


def _text_of(name: str) -> str:
    texts = [file for file in files(name) or () if "LICENSE" in file.name]
    return "\n".join(file.read_text() for file in texts)

"""The scripts of people's pages: what they must not do with text, with pasting and with keys."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "app/web/static").glob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

# Comments, and strings without what they interpolate.
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
WRITES_MARKUP = re.compile(
    r"(?:inner|outer)HTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|srcdoc"
    r"|document\.write|\beval\b|\bFunction\s*\(|set(?:Timeout|Interval)\s*\(\s*[\"'`]"
)
HINDERS_PASTING = re.compile(r"(?i)\b(?:on)?(?:paste|copy|cut|beforeinput)\b")
# a[b] and a[b.c], but not a[0] and a["b"], where names of another's may be keys.
INDEXED_BY_A_VALUE = re.compile(r"[\w\])]\s*\[\s*(?![\d\"'`\]])")


def code_of(path: Path) -> str:
    return NOT_CODE.sub('""', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_writes_markup(script: Path) -> None:
    """R82: what a page shows is set as text."""
    assert not WRITES_MARKUP.search(script.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*SCRIPTS, *TEMPLATES], ids=lambda path: path.name)
def test_no_script_hinders_pasting(path: Path) -> None:
    """Password managers fill in and people paste: NIST SP 800-63B-4, 3.1.1.2."""
    text = path.read_text(encoding="utf-8")

    assert not HINDERS_PASTING.search(NOT_CODE.sub("", text) if path.suffix == ".js" else text)
    assert 'autocomplete="off"' not in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_uses_an_object_as_a_map(script: Path) -> None:
    """A name such as __proto__ would reach what every object has: a Map has keys alone."""
    assert not INDEXED_BY_A_VALUE.search(code_of(script))


def test_there_are_scripts() -> None:
    assert [script.name for script in SCRIPTS]
    assert "getElementById" in code_of(SCRIPTS[0])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("box.innerHTML = name;", WRITES_MARKUP),
        ("setTimeout('go()')", WRITES_MARKUP),
        ("field.addEventListener('x', 1); field.onpaste = stop;", HINDERS_PASTING),
        ("const [a] = users[name] ?? [];", INDEXED_BY_A_VALUE),
    ],
)
def test_a_script_that_did_so_would_be_found(text: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(text)

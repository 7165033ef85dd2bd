"""The texts that stand on buttons, found in the templates."""

import ast
import re
from functools import cache
from typing import Final

from tests.web.languages.catalogues import ROOT

_BUTTON: Final = re.compile(
    r"<button\b[^>]*>.*?</button>|{%-? call post\(.*?endcall|<a class=\"[^>]*>.*?</a>", re.DOTALL
)
_TEXT: Final = re.compile(r"""\b_\(\s*("[^"]*")|\bpgettext\(\s*"\w+",\s*("[^"]*")""")


@cache
def labels() -> frozenset[str]:
    """Return every text that a template puts on a button, or on a link that looks like one."""
    found = set()
    for path in (ROOT / "templates").rglob("*.html"):
        for button in _BUTTON.findall(path.read_text(encoding="utf-8")):
            for plain, in_context in _TEXT.findall(button):
                found.add(ast.literal_eval(plain or in_context))
    return frozenset(found)

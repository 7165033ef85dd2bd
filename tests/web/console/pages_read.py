"""Pages of the console as text: links, tables by their captions, words."""

import re
from collections.abc import Mapping, Sequence
from html import unescape

from tests.browsers import Answer


def links_of(answer: Answer) -> Sequence[str]:
    """Return the addresses that the page links to, in order."""
    return [unescape(href) for href in re.findall(r'<a [^>]*?href="([^"]*)"', answer.text)]


def words_of(html: str) -> str:
    """Return the words of *html*, a space where a tag was."""
    without_names = re.sub(r"</?(?:bdi|code|strong|time)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", without_names)).split())


def tables_of(answer: Answer) -> Mapping[str, Sequence[Sequence[str]]]:
    """Return the rows of each table of the page, by its caption, without the heads."""
    tables = {}
    for table in re.findall(r"<table.*?</table>", answer.text, re.DOTALL):
        caption = words_of(_first(r"<caption.*?</caption>", table))
        rows = re.findall(r"<tr>.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
        tables[caption] = [
            [words_of(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows
        ]
    return tables


def _first(pattern: str, html: str) -> str:
    found = re.search(pattern, html, re.DOTALL)
    return found[0] if found else ""

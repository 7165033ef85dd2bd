"""The tables of docs/graph-errors.md: the consequences of each meaning, and the codes."""

from typing import Final

from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.error_table import NO_ANSWER, NOT_LISTED
from app.messenger.graph.meanings import CONSEQUENCES, ErrorRow, Meaning
from app.web.exceptions import DigitsNotDelivered
from app.web.pages.chat_code import HELPED_BY_WRITING
from app.web.problems.table import problem_of

_MEANINGS: Final = (
    "| Meaning | Class | A person reads | A client of the API gets | Tried again | "
    "For the operator | Alert |\n|---|---|---|---|---|---|---|\n"
)
_ERRORS: Final = "| Code | Call | Meaning | Meta says | Fix | Source |\n|---|---|---|---|---|---|\n"


def meanings() -> str:
    """Return a row for each meaning."""
    return _MEANINGS + "".join(_meaning(meaning) for meaning in Meaning)


def errors() -> str:
    """Return a row for each code, by number."""
    rows = sorted(ROWS, key=lambda row: (row.code, row.subcode or 0, row.call or ""))
    return _ERRORS + "".join(_error(row) for row in (*rows, NOT_LISTED, NO_ANSWER))


def _meaning(meaning: Meaning) -> str:
    told = CONSEQUENCES[meaning]
    alert = f"`{told.alert}`" if told.alert else "none"
    words = f"`{told.slug}`: {told.sentence} Fix: {told.fix}"
    return (
        f"| {meaning.value} | `{told.error.__name__}` | {_page(meaning)} | {_answer(meaning)} | "
        f"{told.retry} | {words} | {alert} |\n"
    )


def _answer(meaning: Meaning) -> str:
    if meaning in {Meaning.LINKING_TOKEN, Meaning.NAME}:
        return "not of its calls"
    problem = problem_of(CONSEQUENCES[meaning].error(), in_api=True)
    return f"{problem.status} `{problem.name}`"


def _page(meaning: Meaning) -> str:
    error = CONSEQUENCES[meaning].error
    if meaning is Meaning.NAME:
        return "the question, with “Connect a profile we can’t name?”"
    shown = problem_of(DigitsNotDelivered(error()) if error in HELPED_BY_WRITING else error())
    return f"“{shown.title}”"


def _error(row: ErrorRow) -> str:
    code = {NOT_LISTED: "any other", NO_ANSWER: "none"}.get(row, str(row.code))
    if row.last is not None:
        code = f"{row.code} to {row.last}"
    if row.subcode is not None:
        code = f"{row.code} / {row.subcode}"
    source = f"[{_name(row.source)}]({row.source})" if row.source else "none"
    call = f"`{row.call}`" if row.call else ""
    return (
        f"| {code} | {call} | {row.meaning.value} | {row.says} | {row.own_fix or ''} | {source} |\n"
    )


def _name(source: str) -> str:
    """Return a short name of the page at *source*."""
    _, _, path = source.removeprefix("https://").partition("/")
    parts = path.strip("/").split("/")
    return f"{parts[0]}/{parts[1]} {parts[3]}" if "issues" in parts else parts[-1]

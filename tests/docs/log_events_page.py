"""The tables of docs/log-events.md, and the log events that the code has."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from app.infra.observability.log_event import LogEvent
from app.infra.observability.log_events import EVENTS
from app.infra.observability.log_sampling import BY_STRANGERS, MOST, WINDOW_S

APP: Final = Path(__file__).parents[2] / "app"
LEVELS: Final = ("debug", "info", "warning", "error")
_HEAD: Final = "| Event | Level | Fields | Meaning | What to do |\n|---|---|---|---|---|\n"
# By the method of the logger.
_LEVEL_OF: Final = {level: level for level in LEVELS} | {"exception": "error"}


@dataclass(slots=True)
class Logged:
    """The levels at which an event is logged, and the fields that it may have."""

    levels: set[str] = field(default_factory=set)
    fields: list[str] = field(default_factory=list)


@cache
def events_in_source() -> dict[str, Logged]:
    """Return what app/ logs, by the name of the event."""
    events: defaultdict[str, Logged] = defaultdict(Logged)
    for path in sorted(APP.rglob("*.py")):
        if "emulator" in path.parts:
            continue
        for function in _functions(ast.parse(path.read_text())):
            for call, levels in _log_calls(function):
                event = events[ast.literal_eval(call.args[0])]
                event.levels |= levels
                event.fields += [name for name in _fields(call) if name not in event.fields]
    return dict(events)


def tables() -> str:
    """Return a heading and a table for each subject."""
    logged = events_in_source()
    return "\n".join(
        f"### {subject}\n\n{_HEAD}" + "".join(_row(event, logged[event.name]) for event in events)
        for subject, events in EVENTS.items()
    )


def sampled() -> str:
    """Return which events are sampled, and how."""
    names = "".join(f"- `{name}`\n" for name in sorted(BY_STRANGERS))
    return (
        "Anyone on the Internet can cause lines of these events. Of each kind, "
        f"{MOST} in {WINDOW_S:g} seconds are logged; the next one says in `unsaid` how many were "
        f"left out:\n\n{names}"
    )


def _row(event: LogEvent, logged: Logged) -> str:
    levels = ", ".join(sorted(logged.levels, key=LEVELS.index))
    fields = ", ".join(f"`{name}`" for name in logged.fields)
    return f"| `{event.name}` | {levels} | {fields} | {event.meaning} | {event.advice} |\n"


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _log_calls(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[ast.Call, set[str]]]:
    """Yield each call that logs in *function*, and the levels at which it does.

    A call of a local variable counts, too, where a logger's method was assigned to it:
    ``level = log.error if ... else log.warning``.
    """
    nodes = list(ast.walk(function))
    variables = {
        ast.unparse(node.targets[0]): levels
        for node in nodes
        if isinstance(node, ast.Assign) and (levels := _levels(node.value))
    }
    for node in nodes:
        if isinstance(node, ast.Call):
            level = _level(node.func)
            called = {level} if level else variables.get(_name(node.func))
            if called:
                yield node, called


def _levels(expression: ast.expr) -> set[str]:
    """Return the levels of the logger's methods that *expression* names and does not call."""
    if isinstance(expression, ast.Call):
        return set()
    return {level for node in ast.walk(expression) if (level := _level(node))}


def _level(node: ast.AST) -> str | None:
    """Return the level of the logger's method that *node* names."""
    if isinstance(node, ast.Attribute) and _name(node.value) == "log":
        return _LEVEL_OF.get(node.attr)
    return None


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _fields(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        assert keyword.arg, ast.unparse(call)
        # structlog makes the traceback of it.
        yield "exception" if keyword.arg == "exc_info" else keyword.arg
    if ast.unparse(call.func) == "log.exception":
        yield "exception"

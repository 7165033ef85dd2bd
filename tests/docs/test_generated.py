"""The generated parts of docs/ say what the code does; `make docs` writes them."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.infra.observability.log_events import EVENTS
from app.infra.observability.log_sampling import BY_STRANGERS
from app.infra.settings import pages, texts
from tests.docs import generate, settings_in_code
from tests.docs.log_events_page import APP, events_in_source
from tests.docs.settings_page import SUBJECTS


@pytest.mark.parametrize("name", generate.PARTS)
def test_the_page_is_what_the_code_gives(name: str) -> None:
    assert generate.page(name) == (generate.DOCS / name).read_text(), "run: make docs"


def test_every_setting_that_is_read_is_described_once_and_no_other() -> None:
    described = [entry.name for entries in SUBJECTS.values() for entry in entries]

    assert sorted(settings_in_code.settings()) == sorted(described)
    assert sorted(settings_in_code.names_in_source()) == sorted(described)


def test_every_event_that_is_logged_is_described_once_and_no_other() -> None:
    described = [event.name for events in EVENTS.values() for event in events]

    assert sorted(events_in_source()) == sorted(described)
    assert BY_STRANGERS <= set(described)


def test_every_logger_has_the_name_by_which_its_calls_are_found() -> None:
    made = re.compile(r"(?m)^\s*(\w+)\s*(?::.*)?= structlog\.(?:get_logger|wrap_logger)\(")

    names = {
        name
        for path in APP.rglob("*.py")
        if "emulator" not in path.parts
        for name in made.findall(path.read_text())
    }

    assert {"log"} == names


def test_every_key_of_pages_file_is_described() -> None:
    code = ast.parse(Path(pages.__file__).read_text())
    read = {
        call.args[0].value
        for call in ast.walk(code)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "table.get"
        and isinstance(call.args[0], ast.Constant)
    }

    assert pages.KEYS.keys() == read
    assert texts.TEXT_KEYS.keys() == {field.name for field in fields(texts.Texts)}

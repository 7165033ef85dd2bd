"""`.env.example` and the code name the same settings, with the same defaults."""

import re
from pathlib import Path

from tests.docs.settings_in_code import names_in_source, settings
from tests.docs.settings_page import SUBJECTS

ENV_EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_env_example_names_every_setting_and_no_other() -> None:
    """An operator who reads only this file has seen all there is."""
    named = re.findall(r"(?m)^#?([A-Z_]+)=", ENV_EXAMPLE.read_text())

    assert sorted(names_in_source()) == sorted(map(_general, named))


def test_a_default_that_is_shown_is_the_one_of_the_code() -> None:
    shown = dict(re.findall(r"(?m)^#([A-Z_]+)=(.+)", ENV_EXAMPLE.read_text()))
    values = {_general(name): value for name, value in shown.items()}
    computed = {entry.name for entries in SUBJECTS.values() for entry in entries if entry.default}

    defaults = {
        name: setting.default_text
        for name, setting in settings().items()
        if setting.default_text and name not in computed
    }

    assert defaults == {name: values.get(name) for name in defaults}


def _general(name: str) -> str:
    """Return *name* with ``<NAME>`` in place of the name of an authenticator."""
    for setting in names_in_source():
        if re.fullmatch(setting.replace("<NAME>", "[A-Z]+"), name):
            return setting
    return name

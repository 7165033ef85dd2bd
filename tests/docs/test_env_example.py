"""`.env.example` and the code name the same settings."""

import re
from pathlib import Path

from tests.docs.settings_in_code import names_in_source, settings
from tests.docs.settings_page import SUBJECTS

ENV_EXAMPLE = Path(__file__).parents[2] / ".env.example"
# Of settings whose name holds the name of an authenticator, the file has one of each kind.
EXAMPLES = {"OIDC_": "GOOGLE", "HTTP_": "SHOP", "LDAP_": "STAFF"}


def test_env_example_names_every_setting_and_no_other() -> None:
    """An operator who reads only this file has seen all there is."""
    named = re.findall(r"(?m)^#?([A-Z_]+)=", ENV_EXAMPLE.read_text())

    assert sorted(map(_example, names_in_source())) == sorted(named)


def test_a_default_that_is_shown_is_the_one_of_the_code() -> None:
    shown = dict(re.findall(r"(?m)^#([A-Z_]+)=(.+)", ENV_EXAMPLE.read_text()))
    computed = {entry.name for entries in SUBJECTS.values() for entry in entries if entry.default}

    defaults = {
        _example(name): setting.default_text
        for name, setting in settings().items()
        if setting.default_text and name not in computed
    }

    assert defaults == {name: shown.get(name) for name in defaults}


def _example(name: str) -> str:
    kind, separator, rest = name.partition("<NAME>")
    return f"{kind}{EXAMPLES[kind]}{rest}" if separator else name

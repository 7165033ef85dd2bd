"""`.env.example` and the code name the same settings."""

import ast
import re
from pathlib import Path

from app.infra.settings.settings import Settings

ROOT = Path(__file__).parents[2]
# Of settings whose name holds the name of an authenticator, the example has one of each kind.
EXAMPLES = {"OIDC_": "GOOGLE", "HTTP_": "SHOP", "LDAP_": "STAFF"}


def test_env_example_names_every_setting_and_no_other() -> None:
    """An operator who reads only this file has seen all there is."""
    named = re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / ".env.example").read_text())

    read = names_read_in_the_code()

    assert sorted(read) == sorted(named)
    assert len(read) > len(Settings.__dataclass_fields__) - 2


def names_read_in_the_code() -> set[str]:
    """Return the names that any call of a `Reader` in app/ mentions."""
    return {
        _name(call.args[0])
        for path in (ROOT / "app").rglob("*.py")
        if "emulator" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and re.match(_READS, ast.unparse(call.func))
    }


_READS = r"reader\.(required|optional|text)$"


def _name(written: ast.expr) -> str:
    match written:
        case ast.Constant(value=str(name)):
            return name
        case ast.JoinedStr(
            values=[ast.Constant(value=str(kind)), _, ast.Constant(value=str(rest))]
        ):
            return f"{kind}{EXAMPLES[kind]}{rest}"
        case _:
            raise AssertionError(ast.dump(written))

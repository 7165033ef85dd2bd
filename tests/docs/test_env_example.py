import ast
import re
from pathlib import Path

from app.infra.settings.settings import Settings

ROOT = Path(__file__).parents[2]
# Of settings that carry a name of the operator's, the example shows one of each kind.
EXAMPLES = {"OIDC_": "GOOGLE", "HTTP_": "SHOP", "LDAP_": "STAFF"}


def test_env_example_names_every_setting_and_no_other() -> None:
    """An operator who reads only this file has seen all there is."""
    folders = (ROOT / "app/infra/settings", ROOT / "app/accounts")
    readers = [path for folder in folders for path in folder.glob("*.py")]
    code = ast.parse("".join(path.read_text() for path in readers if path.name != "parsing.py"))
    read = {
        _name(call.args[0])
        for call in ast.walk(code)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"required", "optional", "text"}
    }

    named = re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / ".env.example").read_text())

    assert sorted(read) == sorted(set(named) - {"NAME_FILE"})
    assert len(read) > len(Settings.__dataclass_fields__) - 2


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

"""The settings as the code reads them: their names, defaults and parsers."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from sqlalchemy.engine import URL

from app.accounts.sign_in_methods import KINDS
from app.infra.settings.parsing import SettingError
from app.infra.settings.reader import Reader
from app.infra.settings.settings import Settings

APP = Path(__file__).parents[2] / "app"
_READS = re.compile(r"reader\.(required|optional|text)")
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a `Reader` was asked for; *parse* is None if only its text was."""

    is_required: bool = False
    default: object = None
    parse: Callable[[str], object] | None = None

    @property
    def default_text(self) -> str:
        """The default as it would be set; empty if there is none."""
        match self.default:
            case None:
                return ""
            case bool(is_on):
                return str(int(is_on))
            # An address of SQLAlchemy is a tuple, too.
            case tuple(words) if not isinstance(words, URL):
                return " ".join(words)
            case value:
                return str(value)

    @property
    def constraint(self) -> str:
        """The error that a text without any sense gets, such as "must be digits"."""
        try:
            if self.parse:
                self.parse("-")
        except SettingError as exc:
            return str(exc) if str(exc).startswith("must ") else ""
        return ""


class _RecordingReader(Reader):
    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self.settings: dict[str, Setting] = {}

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        self.settings[name] = Setting(is_required=True, parse=parse)
        return super().required(name, parse)

    def optional(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        known = self.settings.get(name)
        if known is None or known.parse is None:
            self.settings[name] = Setting(default=default, parse=parse)
        return super().optional(name, parse, default)

    def text(self, name: str) -> str | None:
        self.settings.setdefault(name, Setting())
        return super().text(name)


def settings() -> dict[str, Setting]:
    """Return every setting by name; the name of an authenticator is written as ``<NAME>``."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pages.toml"
        path.write_text("\n".join(_page(number, kind) for number, kind in enumerate(KINDS)))
        at_provider = {"CONSOLE_URL": "https://console.example.com", "CONSOLE_SIGN_IN": "oidc"}
        texts: tuple[dict[str, str], ...] = ({}, {"PAGES_FILE": str(path)}, at_provider)
        readers = [_RecordingReader(env) for env in texts]
        for reader in readers:
            Settings.read(reader, KINDS)
    one_page, many_pages, console = (reader.settings for reader in readers)
    everything = {**console, **many_pages, **one_page, "PAGES_FILE": many_pages["PAGES_FILE"]}
    return {
        re.sub("^([A-Z]+)_NAME_", r"\1_<NAME>_", name): setting
        for name, setting in everything.items()
    }


def _page(number: int, kind: str) -> str:
    authenticator = kind if KINDS[kind].read is None else f"{kind}:name"
    return f'[[pages]]\nid = "{number}"\ntoken = "t"\nauthenticators = ["{authenticator}"]'


@cache
def names_in_source() -> set[str]:
    """Return the names that stand in calls of a `Reader`, wherever in app/."""
    calls: list[Any] = [
        call
        for path in APP.rglob("*.py")
        if "emulator" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _READS.fullmatch(ast.unparse(call.func))
    ]
    return {_name(call.args[0]) for call in calls}


def _name(written: ast.expr) -> str:
    match written:
        case ast.Constant(value=str(name)):
            return name
        case ast.JoinedStr(
            values=[ast.Constant(value=str(kind)), _, ast.Constant(value=str(rest))]
        ):
            return f"{kind}<NAME>{rest}"
        case _:
            raise AssertionError(ast.dump(written))

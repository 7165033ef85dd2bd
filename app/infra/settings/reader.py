"""A reader of settings that collects errors, and of files that hold settings.

An error names the setting and says what is wrong with it. It never contains the value.
"""

from collections.abc import Callable, Collection, Mapping
from io import StringIO
from typing import TypeVar

from dotenv import dotenv_values

from app.infra.settings.parsing import SettingError, read_file, try_reading
from app.infra.settings.secret_values import COMMENT, QUOTED, is_comment

T = TypeVar("T")
D = TypeVar("D")


class Reader:
    """Reads settings by name from *env*, or from the file that ``NAME_FILE`` names.

    `errors` collects everything that is wrong, `names_set` the names of the settings that are set,
    and `names_wrong` of those that cannot be used.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._texts: dict[str, str | None] = {}
        self.errors: list[str] = []
        self.names_set: set[str] = set()
        self.names_wrong: set[str] = set()

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        """Return setting *name*, parsed; it is an error if it is not set."""
        self.need(name, f"{name} is not set")
        # After an error this returns None, which is never used: an error stops the start.
        return self.optional(name, parse, None)  # type: ignore[return-value]

    def need(self, name: str, error: str) -> None:
        """Report *error* if setting *name* is not set; if it is wrong, that has been reported."""
        if self.text(name) is None and name not in self.names_wrong:
            self._refuse(name, error)

    def optional(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """Return setting *name*, parsed, or *default* if it is not set or cannot be used."""
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as exc:
            # Only the text of a SettingError: int("…") quotes the value.
            said = exc if isinstance(exc, SettingError) else "is malformed"
            self._refuse(name, f"{name} {said}")
            return default

    def text(self, name: str) -> str | None:
        """Return the text of setting *name*, or None if it is not set or cannot be read."""
        if name not in self._texts:
            text = self._texts[name] = self._text(name)
            if text is not None:
                self.names_set.add(name)
        return self._texts[name]

    @property
    def names_given(self) -> Collection[str]:
        """The names of all variables, of settings and of everything else."""
        return self._env.keys()

    @property
    def names_asked(self) -> Collection[str]:
        """The names of the settings that were asked for."""
        return self._texts

    def _text(self, name: str) -> str | None:
        path = self._env.get(f"{name}_FILE")
        if not path:
            text: str | None = self._env.get(name, "").strip()
        else:
            try:
                text = read_file(path).strip()
            except SettingError as exc:
                self._refuse(name, f"{name}_FILE {exc}")
                return None
        if text and text[0] in "\"'" and text[-1] == text[0]:
            # Shells and .env take them away; docker run --env-file keeps them (moby#46773).
            self._refuse(name, f"{name} {QUOTED}")
            return None
        if text and is_comment(text):
            self._refuse(name, f"{name} {COMMENT}")
            return None
        return text or None

    def _refuse(self, name: str, error: str) -> None:
        self.names_wrong.add(name)
        self.errors.append(error)


def read_env_file(path: str) -> dict[str, str]:
    """Return the settings in the file *path*, which is like ``.env``.

    Raises:
        SettingError: It cannot be read.
    """
    text, problem = try_reading(path)
    if text is None:
        raise SettingError(f"{path} {problem}")
    # Notepad begins UTF-8 with a mark, which would be part of the first name.
    values = dotenv_values(stream=StringIO(text.removeprefix("\N{BYTE ORDER MARK}")))
    return {name: text for name, text in values.items() if text is not None}

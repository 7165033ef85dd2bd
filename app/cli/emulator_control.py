"""Client of the control API of an emulator that runs in another shell."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
import requests

_SECONDS = 60
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """Return the time span *value*, written as 90s, 15m, 1h or 2d.

    Raises:
        click.BadParameter: *value* is not a time span.
    """
    number, unit = value[:-1], _UNITS.get(value[-1:])
    try:
        if unit is not None and number.isascii() and number.isdecimal():
            return timedelta(**{unit: int(number)})
    except OverflowError:
        pass  # Refused below, like every other text that is not a span.
    raise click.BadParameter(f"{value} is not a time span, such as 90s, 15m, 1h or 2d")


@dataclass(frozen=True, slots=True)
class Control:
    """The control API of one running emulator."""

    url: str
    key: str = field(repr=False)

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """Send a request and return the decoded JSON of the answer.

        Raises:
            click.ClickException: The emulator refuses, or cannot be reached.
        """
        with requests.Session() as session:
            session.trust_env = False
            try:
                response = session.request(
                    method,
                    self.url + path,
                    json=content,
                    headers={"Authorization": f"Bearer {self.key}"},
                    timeout=_SECONDS,
                )
            except requests.RequestException as exc:
                raise click.ClickException(
                    f"no emulator answers at {self.url}. Start one: threadlink emulator"
                ) from exc
        answer = response.json() if response.content else {}
        if not response.ok:
            raise click.ClickException(str((answer or {}).get("error", response.status_code)))
        return answer


def control_options(default: Path) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command its `Control`, read from the file ``--at``."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--at",
            "whereabouts",
            type=click.Path(path_type=Path, dir_okay=False),
            default=default,
            show_default=True,
            help="A file with the output of `threadlink emulator --json`.",
        )
        @wraps(command)
        def with_control(*args: Any, whereabouts: Path, **options: Any) -> None:
            command(_control(whereabouts), *args, **options)

        return with_control

    return decorate


def _control(whereabouts: Path) -> Control:
    try:
        details = json.loads(whereabouts.read_text(encoding="utf-8"))
        return Control(details["control_url"], details["control_key"])
    except OSError as exc:
        raise click.ClickException(
            f"no file {whereabouts}. Start an emulator in this folder: threadlink emulator"
        ) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise click.ClickException(f"{whereabouts} was not written by an emulator") from exc

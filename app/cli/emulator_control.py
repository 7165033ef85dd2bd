"""How commands speak to an emulator that runs in another shell."""

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
    """Return a span of time written as 90s, 15m, 1h or 2d.

    Raises:
        click.BadParameter: It is written in another way.
    """
    number, unit = value[:-1], _UNITS.get(value[-1:])
    try:
        if unit is not None and number.isascii() and number.isdecimal():
            return timedelta(**{unit: int(number)})
    except OverflowError:
        pass  # Said below, like all else that is no span.
    raise click.BadParameter(f"{value} is no span of time: for example 90s, 15m, 1h, 2d")


@dataclass(frozen=True, slots=True)
class Control:
    """The control API of one running emulator."""

    url: str
    key: str = field(repr=False)

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """Return what the emulator answers.

        Raises:
            click.ClickException: It refuses, or is not there.
        """
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(
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
        content = answer.json() if answer.content else {}
        if not answer.ok:
            raise click.ClickException(str((content or {}).get("error", answer.status_code)))
        return content


def control_options(default: Path) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command its Control; ``--at`` names the file in which an emulator left word."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--at",
            "whereabouts",
            type=click.Path(path_type=Path, dir_okay=False),
            default=default,
            show_default=True,
            help="What `threadlink emulator --json` printed, as a file.",
        )
        @wraps(command)
        def with_control(*args: Any, whereabouts: Path, **options: Any) -> None:
            command(_control(whereabouts), *args, **options)

        return with_control

    return decorate


def _control(whereabouts: Path) -> Control:
    try:
        there = json.loads(whereabouts.read_text(encoding="utf-8"))
        return Control(there["control_url"], there["control_key"])
    except OSError as exc:
        raise click.ClickException(
            f"there is no {whereabouts}. Start an emulator in this folder: threadlink emulator"
        ) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise click.ClickException(f"{whereabouts} is not what an emulator has printed") from exc

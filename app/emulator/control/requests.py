"""What a program asks of the control API, read out of JSON: nonsense is refused in a sentence."""

from datetime import timedelta
from typing import Any, NoReturn

from flask import abort, request

from app.emulator.settings import is_text, is_web_address

_LONGEST_SECONDS = 10 * 365 * 24 * 3600


def content(*names: str) -> dict[str, Any]:
    """Return the body, an object that has no other names than *names*; none at all is empty."""
    try:
        told = request.get_json(silent=True) if request.get_data() else {}
    except RecursionError:
        told = None
    if not isinstance(told, dict):
        refuse("the body is a JSON object")
    if others := sorted(set(told) - set(names)):
        refuse(f"{', '.join(others)[:100]}: known here are {', '.join(names)}")
    return told


def text(told: dict[str, Any], name: str) -> str | None:
    """Return a text, or None where there is none."""
    value = told.get(name)
    if value is not None and not is_text(value):
        refuse(f"{name} is a text in UTF-8")
    return value


def address(told: dict[str, Any], name: str) -> str | None:
    value = text(told, name)
    if value is not None and not is_web_address(value):
        refuse(f"{name} is an http or https address, or null")
    return value


def switch(told: dict[str, Any], name: str) -> bool:
    """Return true or false; false is what is left out."""
    value = told.get(name, False)
    if not isinstance(value, bool):
        refuse(f"{name} is true or false")
    return value


def seconds(told: dict[str, Any], name: str) -> timedelta:
    value = told.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value or 0) <= _LONGEST_SECONDS:
        refuse(f"{name} is a number of seconds, at most ten years of them")
    return timedelta(seconds=float(value or 0))


def refuse(why: str) -> NoReturn:
    abort(400, why)

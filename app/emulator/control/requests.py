"""Reads the JSON bodies of the control API; an invalid one is refused with a sentence."""

from datetime import timedelta
from typing import Any, NoReturn

from flask import abort, request

from app.emulator.settings import is_text, is_web_url

_LONGEST_SECONDS = 10 * 365 * 24 * 3600


def content(*names: str) -> dict[str, Any]:
    """Return the body, a JSON object with no names other than *names*; empty without a body."""
    try:
        body = request.get_json(silent=True) if request.get_data() else {}
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        refuse("the body must be a JSON object")
    if others := sorted(set(body) - set(names)):
        refuse(f"unknown: {', '.join(others)[:100]}; this call knows {', '.join(names)}")
    return body


def text(body: dict[str, Any], name: str) -> str | None:
    """Return a string; None if it is absent or null."""
    value = body.get(name)
    if value is not None and not is_text(value):
        refuse(f"{name} must be a string in valid UTF-8")
    return value


def url(body: dict[str, Any], name: str) -> str | None:
    value = text(body, name)
    if value is not None and not is_web_url(value):
        refuse(f"{name} must be an http or https URL, or null")
    return value


def boolean(body: dict[str, Any], name: str) -> bool:
    """Return true or false; false if it is absent."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        refuse(f"{name} must be true or false")
    return value


def seconds(body: dict[str, Any], name: str) -> timedelta:
    value = body.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value or 0) <= _LONGEST_SECONDS:
        refuse(f"{name} must be a number of seconds, at most ten years")
    return timedelta(seconds=float(value or 0))


def refuse(why: str) -> NoReturn:
    abort(400, why)

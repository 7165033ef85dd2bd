"""Checks of parameter values, shared by all calls."""

from urllib.parse import urlsplit

from app.emulator.graph.problems import bad_parameter
from app.emulator.settings import is_text

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def check_text(value: object, param: str, longest: int) -> str:
    """Return *value* if it is a non-empty string of at most *longest* characters.

    Raises:
        GraphProblem: It is not.
    """
    if not isinstance(value, str) or not value or not is_text(value):
        raise bad_parameter(f"Param {param} must be a non-empty UTF-8 encoded string")
    if len(value) > longest:
        raise bad_parameter(f"Length of param {param} must be less than or equal to {longest}")
    return value


def check_login_url(value: object, param: str) -> str:
    """Return *value* if it is an https URL, or an http URL on loopback.

    Messenger itself accepts https only; a laptop has no certificate.

    Raises:
        GraphProblem: It is neither.
    """
    scheme, host = _scheme_and_host(value)
    if not isinstance(value, str) or not (scheme == "https" or host in _LOOPBACK):
        raise bad_parameter(f"Param {param} must be an https URL")
    return value


def check_web_url(value: object, param: str) -> str:
    """Return *value* if it is an http or https URL, and not `javascript:` or the like.

    Raises:
        GraphProblem: It is not.
    """
    scheme, _ = _scheme_and_host(value)
    if not isinstance(value, str) or scheme is None:
        raise bad_parameter(f"Param {param} must be an http or https URL")
    return value


def _scheme_and_host(value: object) -> tuple[str | None, str | None]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None, None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None, None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None, None
    return parts.scheme, parts.hostname

"""The page that an operator goes back to after a sign-in: one of ours, or the first one."""

from typing import Final
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.web.console.rules import rule_of

_LONGEST: Final = 500


def way_back(text: str) -> str:
    """Return the path *text* if it is a page of the console for operators; else the first one."""
    if not text.startswith("/") or text.startswith("//") or len(text) > _LONGEST:
        return "/"
    if not text.isascii() or not text.isprintable() or "\\" in text:
        return "/"
    path = urlsplit(text).path
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return "/"
    rule = rule_of(current_app.view_functions.get(endpoint))
    return path if rule is not None and rule.role is not None else "/"

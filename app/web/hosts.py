"""The applications of a server, chosen by the Host header before either sees the request (R134).

So the public one has no route of the console, and the console none of the public one: neither can
be reached, framed or confused through the other's host.
"""

from collections.abc import Callable, Iterable
from typing import Any

from app.services.container import Services
from app.web.factory import make_app
from app.web.server.wsgi import Application, Environ


def make_applications(services: Services) -> Application:
    """Return the public application, and where the settings name one the console beside it."""
    public = make_app(services)
    if not services.settings.console.is_on:
        return public
    from app.web.console.factory import make_console  # noqa: PLC0415 - loaded where there is one

    return ByHost(public, make_console(services), services)


class ByHost:
    """Passes a request for the host of CONSOLE_URL to *console*, and every other to *public*."""

    def __init__(self, public: Application, console: Application, services: Services) -> None:
        self._public, self._console = public, console
        settings = services.settings.console
        port = ":443" if settings.is_https else ":80"
        self._hosts = frozenset({settings.host, f"{settings.host}{port}"})

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_console = environ.get("HTTP_HOST", "").lower() in self._hosts
        return (self._console if is_console else self._public)(environ, start_response)

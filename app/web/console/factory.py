"""The application factory of the console."""

import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Flask

from app.accounts.passwords import Hasher
from app.infra.resources import shipped
from app.operators.provider import OperatorProvider
from app.services.container import Services
from app.web.console import (
    accounts,
    assets,
    attempts,
    audit,
    causes,
    errors,
    faults,
    gate,
    headers,
    keys,
    meta,
    oidc,
    outbox,
    overview,
    people,
    privacy,
    rendering,
    search,
    sessions,
    sign_in,
    users,
    words,
)
from app.web.console.current import EXTENSION, MOST_AT_ONCE, ConsoleParts
from app.web.console.pace import Pace
from app.web.current import EXTENSION as SERVICES
from app.web.forwarding import CLIENT, Client, TrustedProxies
from app.web.server.limits import MOST_BODY_BYTES, MOST_PARAMETERS
from app.web.server.wsgi import Application, Environ

# The pages, each a module with a blueprint. To add one: name it here, give every view a rule, and
# its role a row in tests/web/console/test_roles.py.
PAGES: Final = (
    *(overview, causes, attempts, search, people, users, outbox, accounts, keys, meta, privacy),
    *(audit, sessions, sign_in, oidc, assets),
)


def make_console(services: Services) -> Flask:
    """Return the console of *services*, whose settings name its address."""
    app = Flask("threadlink-console", static_folder=None, template_folder=str(shipped("templates")))
    # As in the public application.
    app.url_map.merge_slashes = False
    app.debug = False
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = MOST_PARAMETERS
    # A view answers the methods that it names, and the gate asks for each who it is.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.extensions[SERVICES] = services
    app.extensions[EXTENSION] = _parts(services)
    rendering.install(app)
    words.install(app)
    faults.register(app, services)
    app.before_request(gate.receive)
    app.teardown_request(gate.release)
    app.after_request(headers.add_headers)
    app.after_request(gate.note_seen)
    errors.register(app)
    for module in PAGES:
        app.register_blueprint(module.bp)
    if services.settings.console.is_https:
        app.wsgi_app = TrustedProxies(app.wsgi_app, services.settings)  # type: ignore[method-assign]  # Flask's documented way
    else:
        app.wsgi_app = _Direct(app.wsgi_app)  # type: ignore[method-assign]  # as above
    return app


def _parts(services: Services) -> ConsoleParts:
    settings = services.settings
    hasher = Hasher(slots=threading.BoundedSemaphore(1))
    provider = settings.console.provider
    return ConsoleParts(
        hasher=hasher,
        decoy_hash=hasher.hash(secrets.token_urlsafe(24)),
        provider=OperatorProvider(provider, egress=settings.egress) if provider else None,
        pace=Pace(),
        places=threading.BoundedSemaphore(MOST_AT_ONCE),
    )


class _Direct:
    """Has the application see the peer itself as the client: no proxy may be in between."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[CLIENT] = Client(environ.get("REMOTE_ADDR", ""), None)
        return self._app(environ, start_response)

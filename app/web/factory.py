"""The application factory of Flask."""

from flask import Flask

from app.infra.resources import shipped
from app.services.container import Services, build
from app.services.settings import load_settings
from app.web import assets, errors, headers, privacy_callbacks, request_guard
from app.web.api import blueprint as api
from app.web.current import EXTENSION
from app.web.forwarding import TrustedProxies
from app.web.languages import translation
from app.web.monitoring import health, prometheus, tracing
from app.web.pages import (
    authorize,
    brands,
    connect,
    connections,
    deletion,
    handoff,
    landing,
    oidc,
    password,
    pictures,
    session_password,
)
from app.web.server.limits import MOST_LARGE_BYTES, MOST_PARAMETERS
from app.web.webhook import views


def make_app(services: Services | None) -> Flask:
    """Return the application; without *services* they are built from the environment."""
    services = services or build(load_settings())
    app = Flask("threadlink", static_folder=None, template_folder=str(shipped("templates")))
    # Else "//" is redirected to an address made of the Host header (R84).
    app.url_map.merge_slashes = False
    if services.settings.is_production:
        # Whatever FLASK_DEBUG says: the debug pages show source code to every client.
        app.debug = False
    app.config["MAX_CONTENT_LENGTH"] = MOST_LARGE_BYTES
    app.config["MAX_FORM_PARTS"] = MOST_PARAMETERS
    app.extensions[EXTENSION] = services
    app.jinja_env.globals["asset"] = assets.asset
    translation.install(app)
    tracing.register(app)
    prometheus.register(app)
    health.register(app)
    app.before_request(request_guard.receive)
    app.after_request(headers.add_headers)
    errors.register(app)
    own = (authorize, oidc, password, pictures, handoff, connect, connections, session_password)
    pages = (*own, assets, brands, landing, deletion)
    for module in (*pages, views, privacy_callbacks, api, health, prometheus):
        app.register_blueprint(module.bp)
    trusting = TrustedProxies(app.wsgi_app, services.settings)
    app.wsgi_app = trusting  # type: ignore[method-assign]  # Flask's documented way
    return app

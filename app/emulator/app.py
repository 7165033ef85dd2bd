"""The factory of the emulator's WSGI app."""

from flask import Flask

from app.emulator import pictures
from app.emulator.clock import Clock, MovableClock, wall_clock
from app.emulator.context import Emulator
from app.emulator.control import views as control
from app.emulator.csrf_guard import install_guard
from app.emulator.faults.switches import FaultSwitches
from app.emulator.graph import page_pictures
from app.emulator.graph import views as graph
from app.emulator.rate_limits import RateLimits
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State
from app.emulator.ui import chat, faults_page, inspector, login_window, m_me
from app.emulator.webhooks.dispatcher import WebhookDispatcher
from app.emulator.webhooks.http_sender import HttpSender
from app.emulator.webhooks.journal import Journal

_LARGEST_REQUEST = 1024 * 1024


def create_emulator(
    settings: EmulatorSettings, *, clock: Clock = wall_clock, origin: str | None = None
) -> Flask:
    """Return Facebook's side as a Flask app: chat, login window, Graph, webhooks, inspector.

    *clock* gives the time of tokens and events; it can be moved forward through the app. *origin*
    is the origin of every redirect_uri; without one it is that of the request.
    """
    movable_clock, journal, faults = MovableClock(clock), Journal(), FaultSwitches()
    state, sender = State(settings, movable_clock), HttpSender(journal, movable_clock)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    Emulator(
        settings=settings,
        clock=movable_clock,
        state=state,
        journal=journal,
        faults=faults,
        rate_limits=RateLimits(),
        sender=sender,
        dispatcher=WebhookDispatcher(settings, state, sender, faults, movable_clock),
        origin=origin,
    ).attach(app)
    install_guard(app)
    pictures.register_template_helpers(app)
    inspector.register_template_helpers(app)
    ui = (chat.bp, login_window.bp, m_me.bp, inspector.bp, faults_page.bp)
    for blueprint in (*ui, pictures.bp, page_pictures.bp, control.bp, graph.bp):
        app.register_blueprint(blueprint)
    return app

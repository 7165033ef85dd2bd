"""Puts the emulator together as one small WSGI app."""

from flask import Flask

from app.emulator import chat, control, inspector, linking, switchboard
from app.emulator.clock import Clock, MovableClock, wall_clock
from app.emulator.context import Emulator
from app.emulator.courier import Courier
from app.emulator.faults import Switches
from app.emulator.graph import views as graph
from app.emulator.guard import guard
from app.emulator.journal import Journal
from app.emulator.limits import Limits
from app.emulator.post import Postman
from app.emulator.settings import EmulatorSettings
from app.emulator.state import State

_LARGEST_REQUEST = 1024 * 1024


def create_emulator(
    settings: EmulatorSettings, *, clock: Clock = wall_clock, origin: str | None = None
) -> Flask:
    """Return Facebook's side as a Flask app: chat, login window, Graph, webhooks, inspector.

    *clock* tells the time of tokens and events, until it is put forward from outside. *origin*
    stands in every redirect_uri; without one it is that of the request.
    """
    time, journal, faults = MovableClock(clock), Journal(), Switches()
    state, postman = State(settings, time), Postman(journal, time)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    Emulator(
        settings=settings,
        clock=time,
        state=state,
        journal=journal,
        faults=faults,
        limits=Limits(),
        postman=postman,
        courier=Courier(settings, state, postman, faults, time),
        origin=origin,
    ).attach(app)
    guard(app)
    inspector.furnish(app)
    for blueprint in (chat.bp, linking.bp, inspector.bp, switchboard.bp, control.bp, graph.bp):
        app.register_blueprint(blueprint)
    return app

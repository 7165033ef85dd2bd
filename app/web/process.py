"""One process of the server that `threadlink serve` starts."""

import threading

from app import create_app
from app.config import Settings
from app.services import build, processes
from app.web.door import Door


def open_door() -> Door:
    """Return the server as an ASGI application, built from the environment and ``.env``.

    Where no other process answers, it does the outbox's work as well.
    """
    settings = Settings.load()
    built = build(settings)
    is_alone = processes(settings) == 1

    def alongside(stop: threading.Event) -> None:
        if is_alone:
            built.worker.run(stop)
        stop.wait()
        built.close()

    return Door(create_app(built), threads=settings.threads, alongside=alongside)

"""The services of the running application, found through Flask's current_app: for web and cli."""

from typing import Final

from flask import Flask, current_app

from app.services.container import Services

EXTENSION: Final = "threadlink"


def services() -> Services:
    """Return the services of the application that serves this request or runs this command."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """Return the services that *app* was made with."""
    built: Services = app.extensions[EXTENSION]
    return built

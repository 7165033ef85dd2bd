"""The services of the running application, found through Flask's current_app."""

from typing import Final

from flask import current_app

from app.services.container import Services

EXTENSION: Final = "threadlink"


def services() -> Services:
    """Return the services of the application that serves this request."""
    built: Services = current_app.extensions[EXTENSION]
    return built

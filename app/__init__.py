"""Threadlink: self-hosted account linking for Facebook Messenger.

Its packages are layers; each imports those below it alone: cli, web, services; linking, setup and
api_keys; outbox and accounts; messenger; infra and the emulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.services.container import Services


def create_app(services: Services | None = None) -> Flask:
    """Return the server as a Flask application.

    Without *services* the settings are read from the environment and ``.env``.

    Raises:
        ConfigError: The settings cannot be used.
    """
    # Inside, so that importing app.emulator imports nothing of the server.
    from app.web.factory import make_app  # noqa: PLC0415

    return make_app(services)

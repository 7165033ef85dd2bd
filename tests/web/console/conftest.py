from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import URL

from app.accounts.passwords import Hasher
from app.infra import clock
from app.infra.settings.settings import Settings
from app.operators.roles import Role
from app.services.container import Services
from app.web.console.factory import make_console
from tests.conftest import LITTLE_WORK
from tests.installation import settings_for
from tests.web.console.staff import CONSOLE_URL, Staff, add_operator


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.console.factory.Hasher", partial(Hasher, LITTLE_WORK))


@pytest.fixture
def settings(database: URL) -> Settings:
    """Return settings with a console for this machine."""
    return settings_for(database, CONSOLE_URL=CONSOLE_URL, LOG_LEVEL="info")


@pytest.fixture
def console(services: Services) -> Flask:
    return make_console(services)


@pytest.fixture
def signed_in(services: Services, console: Flask) -> Callable[[Role], Staff]:
    """Return what adds an operator of a role, named as the role, and signs in."""

    def sign_in(role: Role) -> Staff:
        add_operator(services, role.value, role)
        staff = Staff(console)
        assert 303 == staff.signs_in(role.value).status
        return staff

    return sign_in


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Return what sets the clock of the program on."""
    real = clock.now

    def set_on(by: timedelta) -> None:
        ahead: Callable[[], datetime] = lambda: real() + by  # noqa: E731 - a clock
        monkeypatch.setattr(clock, "now", ahead)

    return set_on

"""What answers is replaced within the process; tests/setup/test_reload.py does so under load."""

import gc
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app.web.reloading import ReloadableApp
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT, settings_for


@pytest.fixture
def no_search_is_due() -> Iterator[None]:
    """As under `threadlink serve`, where days may pass until one is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@on_sqlite
@pytest.mark.usefixtures("no_search_is_due")
def test_what_has_been_replaced_is_let_go(database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reload left 14 MB, and the threads that had passed on deliveries."""
    settings = settings_for(database)
    for name, value in {**ENVIRONMENT, "DATABASE_URL": str(database)}.items():
        monkeypatch.setenv(name, value)
    # Held, so that none of them goes meanwhile.
    before = _applications()
    house = ReloadableApp(settings, is_alone=False)

    house.renew()
    house.renew()

    known = set(map(id, before))
    assert 1 == len([one for one in _applications() if id(one) not in known])


def _applications() -> list[Flask]:
    # Not isinstance: a weak proxy says that it is one, too.
    return [one for one in gc.get_objects() if type(one) is Flask]

"""The application is replaced within the process; tests/setup/test_reload.py does so under load."""

import gc
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app.web.reloading import ReloadableApp
from app.web.server.process_link import ProcessLink
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT, settings_for


@pytest.fixture
def no_collection_runs() -> Iterator[None]:
    """Disable garbage collection: under `threadlink serve` it runs seldom."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@on_sqlite
@pytest.mark.usefixtures("no_collection_runs")
def test_the_replaced_application_is_freed(database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reload used to leave 14 MB, and the threads that had forwarded deliveries."""
    settings = settings_for(database)
    for name, value in {**ENVIRONMENT, "DATABASE_URL": str(database)}.items():
        monkeypatch.setenv(name, value)
    # Kept alive, so that no id is reused.
    before = _applications()
    app = ReloadableApp(settings, is_alone=False, link=ProcessLink())

    app.reload()
    app.reload()

    known = set(map(id, before))
    assert 1 == len([one for one in _applications() if id(one) not in known])


def _applications() -> list[Flask]:
    # Not isinstance: it is also true of a weak proxy.
    return [one for one in gc.get_objects() if type(one) is Flask]

"""`threadlink worker` as a process, under a service manager."""

import signal
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from app.cli import worker as module
from app.infra.database.engine import make_engine
from app.services.container import Services, build
from tests import shipped
from tests.conftest import on_sqlite
from tests.installation import settings_for
from tests.service_manager import service_manager


@on_sqlite
def test_a_service_manager_is_told_when_it_works_reloads_and_stops(
    database: URL, tmp_path: Path
) -> None:
    with service_manager(tmp_path) as manager:
        told_to = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
        worker = shipped.start_worker(database, tmp_path, **told_to)
        assert ["READY=1"] == manager.next()
        assert ["WATCHDOG=1"] == manager.next(but="")

        # A reload does not look at the tables, as the database may be away just then.
        engine = make_engine(database)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
        engine.dispose()
        worker.send_signal(signal.SIGHUP)
        assert "RELOADING=1" == manager.next()[0]
        assert ["READY=1"] == manager.next()

        worker.send_signal(signal.SIGTERM)
        assert ["STOPPING=1"] == manager.next()
        assert 0 == worker.wait(shipped.PATIENCE_SECONDS)


@on_sqlite
def test_the_watchdog_is_told_while_what_was_begun_is_finished(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload waits for tries and tasks in progress: a healthy worker was killed meanwhile."""
    told, is_told = list[str](), threading.Event()

    def notify(state: str) -> None:
        told.append(state)
        if state == "WATCHDOG=1":
            is_told.set()

    def work(_built: Services, stop: threading.Event, _say: object) -> None:
        stop.wait(30)
        is_told.wait(5)

    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setattr(module, "notify", notify)
    monkeypatch.setattr("app.services.background.run", work)

    with module._working(build(settings_for(database)), lambda _: nullcontext()):  # noqa: SLF001
        pass

    assert ["READY=1", "WATCHDOG=1"] == told[:2]

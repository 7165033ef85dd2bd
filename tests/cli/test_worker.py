"""`threadlink worker` as a process, under a service manager."""

import signal
from pathlib import Path

from sqlalchemy import URL

from tests import shipped
from tests.conftest import on_sqlite
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

        worker.send_signal(signal.SIGHUP)
        assert "RELOADING=1" == manager.next()[0]
        assert ["READY=1"] == manager.next()

        worker.send_signal(signal.SIGTERM)
        assert ["STOPPING=1"] == manager.next()
        assert 0 == worker.wait(shipped.PATIENCE_SECONDS)

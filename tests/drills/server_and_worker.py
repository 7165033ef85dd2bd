"""`threadlink serve` without its own worker, and `threadlink worker`: two processes to kill."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from tests import shipped
from tests.ports import free_port

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class ServerAndWorker:
    """A server and a worker; a killed one is started again, the server on the same port."""

    def __init__(self, database: URL, folder: Path, settings: dict[str, str], *, bot: str) -> None:
        self._database, self._folder = database, folder
        self._port = free_port()
        self._settings = {
            "WORKERS": "2",
            "BOT_MESSENGER_URL": f"{bot}/messenger",
            "BOT_WEBHOOK_URL": f"{bot}/notices",
            "BOT_WEBHOOK_SECRET": SECRET,
            **settings,
        }
        self.server = self._new_server()
        self.worker = self._new_worker()

    @property
    def origin(self) -> str:
        return self.server.origin

    def replace_the_dead(self) -> None:
        if self.worker.poll() is not None:
            self.worker = self._new_worker()
        if self.server.process.poll() is not None:
            self.server = self._new_server()

    def stop(self) -> None:
        both = self.server.process, self.worker
        for process in both:
            process.terminate()
        for process in both:
            process.wait(shipped.PATIENCE_SECONDS)

    def _new_server(self) -> shipped.Shipped:
        return shipped.start_at(self._port, self._database, self._folder, **self._settings)

    def _new_worker(self) -> subprocess.Popen[bytes]:
        return shipped.start_worker(self._database, self._folder, **self._settings)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to *process* and its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

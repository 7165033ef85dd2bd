"""One PostgreSQL of a pair: its data, and what can happen to it."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import URL

from tests import postgres
from tests.drills.high_availability.networks import Place
from tests.drills.high_availability.waiting import wait_until
from tests.drills.processes import family
from tests.ports import free_port

DATABASE: Final = "threadlink"
# What is killed here are processes, not the power: the kernel writes what they left to it.
SETTINGS: Final = (
    "fsync = off",
    "max_connections = 200",
    "unix_socket_directories = ''",
    # In files of the data folder, which a kill leaves and the test removes.
    "dynamic_shared_memory_type = mmap",
    "logging_collector = off",
)


@dataclass(slots=True)
class Node:
    """The PostgreSQL with the data in *data*, of the programs in *programs*."""

    programs: Path
    data: Path
    place: Place = field(default_factory=Place)
    port: int = field(default_factory=free_port)
    # Whether what watches over it would say that it is the primary; None: says nothing any more.
    is_primary: bool | None = False

    @property
    def url(self) -> URL:
        return URL.create(
            "postgresql+psycopg", "postgres", None, self.place.address, self.port, DATABASE
        )

    def configure(self, *settings: str) -> None:
        """Append *settings* to its configuration, and to the rules of who may come in."""
        here = (f"listen_addresses = '{self.place.address}'", f"port = {self.port}")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in (*here, *SETTINGS, *settings))
        with (self.data / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write("host all all samenet trust\nhost replication all samenet trust\n")

    def follow(self, primary: "Node") -> None:
        """Become a standby of *primary* at the next start."""
        told = f"host={primary.place.address} port={primary.port} user=postgres"
        setting = f"primary_conninfo = '{told} application_name=standby'\n"
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(setting)
        (self.data / "standby.signal").touch()
        postgres.own(self.data / "standby.signal")

    def start(self) -> None:
        self._control("-w", "-l", self.data / "log", "start")

    def stop(self) -> None:
        """Stop it as for maintenance: a standby that is connected gets everything before."""
        self._control("-w", "-m", "fast", "stop")

    def promote(self) -> None:
        """Make a primary of this standby, and return when it is one."""
        self._control("-w", "promote")
        self.is_primary = True

    def kill(self) -> None:
        """Send SIGKILL to all its processes, if it runs."""
        self.freeze()
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes; the kernel goes on to take connections and bytes for them."""
        # The first one starts no other after this.
        for process in self._processes()[:1]:
            os.kill(process, signal.SIGSTOP)
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Run *statements*, each on its own; return the rows of the last."""
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def await_standby(self) -> None:
        """Wait until a synchronous standby confirms the commits of this primary."""
        query = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: bool(self.execute(query)))

    def remove(self) -> None:
        """End it however it is."""
        self.kill()
        with suppress(FileNotFoundError):
            # Its key and number: what marks the data as in use, and a kill leaves to the kernel.
            *_, segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()
            subprocess.run(("/usr/bin/ipcrm", "-m", segment), check=False, capture_output=True)  # noqa: S603 - fixed

    def _control(self, *arguments: str | Path) -> None:
        command = (self.programs / "pg_ctl", "-D", self.data, *arguments)
        if not self.place.entering:
            postgres.run(*command)
            return
        # Its output goes nowhere: the server would keep a pipe open.
        subprocess.run(  # noqa: S603 - PostgreSQL's own
            (*self.place.entering, *command), cwd="/", check=True, stdout=subprocess.DEVNULL
        )

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _processes(self) -> list[int]:
        """Return its processes, the first one before those that it has started."""
        try:
            first = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            # After a kill another program may have its number.
            is_it = str(self.data).encode() in Path(f"/proc/{first}/cmdline").read_bytes()
        except FileNotFoundError:
            return []
        return family(first) if is_it else []

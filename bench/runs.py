"""Loads on a server that runs, with the processor time that they take."""

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import machine
from bench.load import IN_FLIGHT, Load
from bench.server import Server, running

# More than Threadlink handles a second on a fast machine: a repeated delivery would cost less.
SINGLES_A_SECOND, BATCHES_A_SECOND = 10_000, 800
# As many as wrk has memory for.
MOST_BODIES = 500_000
WARM_UP_S = 1

Run = dict[str, float]


class Started:
    """A server that runs; *database_seconds* tells its database server's processor time."""

    def __init__(
        self,
        load: Load,
        server: Server,
        pid: int,
        start_s: float,
        database_seconds: Callable[[], float],
    ) -> None:
        self._load, self._port, self._pid, self._start_s = load, server.port, pid, start_s
        self._database_seconds = database_seconds

    def post(
        self,
        kind: str,
        *,
        events: int = 1,
        seconds: int | None = None,
        stores: bool = True,
        series: str = "",
    ) -> Run:
        """Post deliveries of *kind*; a server that *stores* nothing may get them again."""
        # For half the time with batches, which would not fit into memory otherwise.
        seconds = seconds or max(1, self._load.seconds // (1 if events == 1 else 2))
        a_second = SINGLES_A_SECOND if events == 1 else BATCHES_A_SECOND
        # A server that stores nothing cannot recognise a repeated delivery.
        count = min(MOST_BODIES, a_second * (seconds if stores else 1))
        bodies, warm_up = (
            self._load.bodies(words, events=events, count=number, series=series)
            for words, number in ((kind, count), (f"first {kind}", a_second // 2))
        )
        self._load.run(self._port, warm_up, seconds=WARM_UP_S, may_repeat=True)
        found = self._measured(
            lambda: self._load.run(self._port, bodies, seconds=seconds, may_repeat=not stores)
        )
        return {
            "acks_s": round(found["requests"] / found["seconds"], 1),
            "events_s": round(found["requests"] * events / found["seconds"]),
            "max_ms": round(found["max_us"] / 1000, 1),
            "start_s": round(self._start_s, 2),
            "memory_mb": round(machine.memory_mb(self._pid)),
            **_shared(found),
        }

    def ask(self, key: str, *, links: int) -> Run:
        """Look up people among *links*, 64 at once."""

        def asked(seconds: int) -> Run:
            return self._load.look_up(
                self._port, key, links=links, in_flight=IN_FLIGHT, seconds=seconds
            )

        asked(WARM_UP_S)
        found = self._measured(lambda: asked(self._load.seconds))
        return {"acks_s": round(found["requests"] / found["seconds"], 1), **_shared(found)}

    def _measured(self, run: Callable[[], Run]) -> Run:
        """Return the figures of *run*, and the processor time that it took, by whom."""
        begun, before = time.perf_counter(), self._used()
        found = run()
        took = time.perf_counter() - begun
        if not found["requests"]:
            raise RuntimeError("nothing was answered")
        used = {name: after - before[name] for name, after in self._used().items()}
        return {
            **found,
            **{f"{name}_us": seconds / found["requests"] * 1e6 for name, seconds in used.items()},
            **{f"{name}_cores": seconds / took for name, seconds in used.items()},
        }

    def _used(self) -> Run:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "cpu": machine.cpu_seconds(self._pid),
            "database": self._database_seconds(),
            "load": children.ru_utime + children.ru_stime,
        }


def _shared(found: Run) -> Run:
    return {
        "cpu_us": round(found["cpu_us"], 1),
        "database_us": round(found["database_us"], 1),
        "p99_ms": round(found["p99_us"] / 1000, 1),
        **{name: round(found[name], 2) for name in found if name.endswith("_cores")},
    }


@contextlib.contextmanager
def started(
    load: Load, server: Server, folder: Path, database_seconds: Callable[[], float] = lambda: 0
) -> Iterator[Started]:
    """Run *server* while the block runs."""
    with running(server, folder) as (pid, start_s):
        yield Started(load, server, pid, start_s, database_seconds)

"""The measurements of Threadlink as shipped, and with one commit for each delivery."""

import contextlib
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from bench import console, failures, growth, settling, storm
from bench.databases import BIN, UNREACHABLE, Databases, environment
from bench.drain import drain
from bench.figures import Run
from bench.graph import Graph
from bench.load import PAGE, Load
from bench.runs import Started, started
from bench.server import Server, free_port, running
from bench.sink import Sink

HERE = Path(__file__).parent
# The rate that a worker must reach.
DRAINED_A_SECOND = 1000
# The runs of what is compared within one measurement, by turns.
TURNS = 3
LOOK_UP_SECONDS = 2
# The links of look-ups that are compared with those of others.
LINKS = 100_000
# The attempts that wait to be counted, where that is measured.
SETTLED = 20_000

Bot = Literal["none", "away", "there"]
Measure = Callable[[], Run]


class Product:
    """Threadlink on *databases*, under *load*, with its files in *folder*."""

    def __init__(
        self, folder: Path, load: Load, databases: Databases, *, sizes: tuple[int, ...]
    ) -> None:
        self._folder, self._load, self._databases = folder, load, databases
        self._sizes = sizes

    def measures(self, db: str) -> dict[str, Measure]:
        """Return the measurements on the database *db*, by name."""
        ours = partial(self._posted, db)
        there = partial(ours, bot="there")
        slow = {"LD_PRELOAD": str(self._folder / "slowsync.so"), "SLOWSYNC_US": "2000"}
        behind = partial(there, seconds=15 * self._load.seconds, behind_backlog=True)
        return {
            f"ours, {db}": ours,
            f"ours, {db}, passed on": there,
            f"ours, {db}, one commit each": partial(ours, each=True),
            f"ours, {db}, log-outs": partial(ours, "unlinked", bot="none"),
            f"ours, {db}, batch": partial(ours, "unlinked", bot="none", events=1000),
            f"ours, {db}, batch, stored": partial(ours, events=1000),
            f"ours, {db}, batch, passed on": partial(there, events=1000),
            f"ours, {db}, 60 s": partial(behind, series="60 s"),
            f"ours, {db}, 60 s, two processes": partial(behind, series="60 s, two", WORKERS="2"),
            f"ours, {db}, slow disk": lambda: self._on_slow_disk(partial(ours, **slow)),
            f"ours, {db}, slow disk, one commit each": lambda: self._on_slow_disk(
                partial(ours, each=True, **slow)
            ),
            f"ours, {db}, storm": lambda: self._stormed(db),
            f"ours, {db}, backlog": lambda: self._backlogged(db),
            f"look-ups, {db}": lambda: self._asked(db),
            f"look-up alone, {db}": lambda: self._asked_alone(db),
            f"drain, {db}": lambda: self._drained(db),
            "note": settling.note,
            f"console, {db}": lambda: self._looked_at(db),
            f"settling, {db}": lambda: self._settled(db),
            f"failures, {db}": lambda: failures.measure(
                self._env(self._databases.new(db))[0], PAGE
            ),
            **{
                f"{kind}, {db}, {words}": partial(self._spread, db, kind, count)
                for kind in ("deliveries", "look-ups")
                for words, count in (("one process", 1), ("two processes", 2))
            },
            **{
                cell.name: partial(self._grown, cell)
                for cell in growth.CELLS
                if cell.database == db
            },
        }

    def _posted(  # noqa: PLR0913 - whose database, what comes for whom, for how long
        self,
        db: str,
        kind: str = "message",
        *,
        bot: Bot = "away",
        events: int = 1,
        each: bool = False,
        seconds: int | None = None,
        behind_backlog: bool = False,
        series: str = "",
        **settings: str,
    ) -> Run:
        """Measure deliveries; with a *bot*, messages are stored and forwarded to it.

        A bot that is "away" cannot be reached: then the intake alone is measured.
        """
        database = self._databases.full(db) if behind_backlog else self._databases.new(db)
        with contextlib.ExitStack() as stack:
            if bot != "none":
                sink = stack.enter_context(Sink()) if bot == "there" else None
                settings["BOT_MESSENGER_URL"] = sink.url if sink else UNREACHABLE
            server = stack.enter_context(self._started(db, database, settings, each=each))
            return server.post(kind, events=events, seconds=seconds, series=series)

    def _on_slow_disk(self, measure: Measure) -> Run:
        library = self._folder / "slowsync.so"
        if not library.exists():
            source = str(HERE / "slowsync.c")
            command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), source, "-ldl"]
            subprocess.run(command, check=True)
        return measure()

    def _stormed(self, db: str) -> Run:
        """Measure deliveries and look-ups while many people sign in."""
        # Not the database that look-ups share: people link in this one.
        links = min(self._sizes)
        database, key = self._databases.make_linked(db, links)
        with Graph(PAGE) as graph, Sink() as bot:
            env, port = self._env(database)
            env |= {"GRAPH_URL": graph.url, "TRUSTED_PROXIES": "1", "BOT_MESSENGER_URL": bot.url}
            storm.prepare(env)
            count = storm.A_SECOND * self._load.seconds
            bodies = self._load.bodies("message", events=1, count=count)
            asked = storm.write_look_ups(self._load.paths(links), port, key)
            with running(Server(_serve(port), env, port), self._folder):
                return storm.measure(port, bodies, asked, self._load.seconds, graph)

    def _backlogged(self, db: str) -> Run:
        """Measure the intake with an outbox at its limit, and with an empty one, by turns."""
        found: dict[str, list[Run]] = {"empty": [], "full": []}
        for turn in range(TURNS):
            for kind, runs in found.items():
                runs.append(
                    self._posted(db, behind_backlog=kind == "full", series=f"backlog {turn}")
                )
        empty, full = (statistics.median(run["acks_s"] for run in each) for each in found.values())
        return {"empty_s": empty, "full_s": full, "ratio": round(full / empty, 3)}

    def _asked(self, db: str) -> Run:
        database, key = self._databases.linked(db, LINKS)
        with self._started(db, database, {}) as server:
            return server.ask(key, links=LINKS)

    def _asked_alone(self, db: str) -> Run:
        """Measure one look-up at a time in databases of all sizes, by turns."""
        found: dict[int, list[float]] = {size: [] for size in self._sizes}
        with contextlib.ExitStack() as stack:
            servers = {}
            for size in self._sizes:
                database, key = self._databases.linked(db, size)
                env, port = self._env(database)
                stack.enter_context(running(Server(_serve(port), env, port), self._folder))
                servers[size] = port, key
            for _ in range(TURNS):
                for size, (port, key) in servers.items():
                    told = self._load.look_up(
                        port, key, links=size, in_flight=1, seconds=LOOK_UP_SECONDS
                    )
                    found[size].append(told["p50_us"])
        few, many, most = (statistics.median(each) for each in found.values())
        return {
            "few_p50_us": few,
            "many_p50_us": many,
            "most_p50_us": most,
            "many_ratio": round(many / few, 3),
            "most_ratio": round(most / few, 3),
        }

    def _spread(self, db: str, kind: str, processes: int) -> Run:
        """Measure so many processes, which may use all cores."""
        workers = {"WORKERS": str(processes)}
        if kind == "look-ups":
            database, key = self._databases.linked(db, LINKS)
            with self._started(db, database, workers, is_free=True) as server:
                return server.ask(key, links=LINKS)
        workers["BOT_MESSENGER_URL"] = UNREACHABLE
        with self._started(db, self._databases.new(db), workers, is_free=True) as server:
            return server.post("message")

    def _grown(self, cell: growth.Cell) -> Run:
        """Measure look-ups, deliveries and log-outs of *cell*, on all cores."""
        size = dict(zip(growth.SIZES, self._sizes, strict=True))[cell.links]
        database, key = self._databases.linked(cell.database, size)
        settings = {"WORKERS": str(cell.processes), "BOT_MESSENGER_URL": UNREACHABLE}
        found: Run = {}
        with self._started(cell.database, database, settings, is_free=True) as server:
            for kind, run in {
                "look_ups": server.ask(key, links=size),
                "deliveries": server.post("message", series=cell.name),
                "log_outs": server.post("unlinked", series=cell.name),
            }.items():
                found[f"{kind}_s"] = run["acks_s"]
                found[f"{kind}_us"] = round(run["cpu_us"] + run["database_us"], 1)
                found |= {f"{kind}_{name}": run[name] for name in run if name.endswith("_cores")}
        return found

    def _looked_at(self, db: str) -> Run:
        """Measure the console's pages with as many links as the middle size of `growth`."""
        count = self._sizes[1]
        env, _ = self._env(self._databases.attempted(db, count))
        return console.measure(env, PAGE, count)

    def _settled(self, db: str) -> Run:
        count = min(SETTLED, max(self._sizes))
        env, _ = self._env(self._databases.unsettled(db, count))
        return settling.settle(env, count)

    def _drained(self, db: str) -> Run:
        """Measure one worker that forwards deliveries which were stored before it started."""
        env, _ = self._env(self._databases.new(db))
        count = DRAINED_A_SECOND * self._load.seconds
        bodies = self._load.bodies("message", events=1, count=count)
        with Sink() as bot, bodies.open() as lines:
            return drain(env | {"BOT_MESSENGER_URL": bot.url}, lines, self._folder)

    @contextlib.contextmanager
    def _started(
        self,
        db: str,
        database: str,
        settings: Mapping[str, str],
        *,
        each: bool = False,
        is_free: bool = False,
    ) -> Iterator[Started]:
        env, port = self._env(database)
        server = Server(_serve(port, each=each), {**env, **settings}, port, is_free=is_free)
        used = partial(self._databases.processor_seconds, db)
        with started(self._load, server, self._folder, used) as running_server:
            yield running_server

    def _env(self, database: str) -> tuple[dict[str, str], int]:
        port = free_port()
        return environment(database, port), port


def _serve(port: int, *, each: bool = False) -> list[str]:
    program = [sys.executable, "-m", "bench.one_commit_each"] if each else [BIN / "threadlink"]
    return [*map(str, program), "serve", "--port", str(port)]

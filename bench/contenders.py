"""The measurements: Threadlink as shipped, with one commit for each delivery, floors, rivals."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, Self

from bench import failures, lookup, machine, storm
from bench.drain import drain
from bench.figures import POSTGRESQL, SQLITE
from bench.graph import Graph
from bench.load import IN_FLIGHT, PAGE, SECRET, Load
from bench.rivals import install
from bench.server import free_port, running
from bench.sink import Sink
from tests import postgres

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
EXPRESS = ("body-parser@2", "express@5")
BOTTENDER = ("express@4", "body-parser@2", "bottender@1.5.5")
# More than Threadlink handles a second on a fast machine: a repeated delivery would cost less.
SINGLES_A_SECOND, BATCHES_A_SECOND = 8_000, 800
# The rate that a worker must reach.
DRAINED_A_SECOND = 1000
# The runs for each of the two tables, which take turns.
LOOKED_UP = 3

# No process listens there.
UNREACHABLE = "http://127.0.0.1:9"

Bot = Literal["none", "away", "there"]
Measure = Callable[[], dict[str, float]]


class Field:
    """The measurements that can be made here, by name, and the reasons why others are missing."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._folder, self._load = folder, load
        self._stack = contextlib.ExitStack()
        self._postgres: str | None = None
        self._databases = 0
        self.missing: dict[str, str] = {}
        self.measures: dict[str, Measure] = {
            "commit floor, one each": lambda: self._floor("each"),
            "commit floor, group": lambda: self._floor("group"),
            "Flask floor": lambda: self._python("bench.floor_app:app", BIN),
            **self._measures_of(SQLITE),
            **self._measures_of(POSTGRESQL),
            **self._rivals(),
        }

    def _measures_of(self, db: str) -> dict[str, Measure]:
        ours = partial(self._ours, db)
        # On SQLite one process is the usual; on PostgreSQL one for each core is.
        usual = {} if db == SQLITE else {"WORKERS": "2"}
        slow = {"LD_PRELOAD": str(self._folder / "slowsync.so"), "SLOWSYNC_US": "2000"}
        there = partial(ours, bot="there")
        return {
            f"ours, {db}": partial(ours, **usual),
            f"ours, {db}, passed on": there,
            f"ours, {db}, one commit each": partial(ours, each=True, **usual),
            f"ours, {db}, log-outs": partial(ours, "unlinked", bot="none", **usual),
            f"ours, {db}, batch": partial(ours, "unlinked", bot="none", events=1000, **usual),
            f"ours, {db}, batch, stored": partial(ours, events=1000, **usual),
            f"ours, {db}, batch, passed on": partial(there, events=1000),
            f"ours, {db}, 60 s": partial(there, seconds=60),
            f"ours, {db}, 60 s, two processes": partial(there, seconds=60, WORKERS="2"),
            f"ours, {db}, 60 s, four processes": partial(there, seconds=60, WORKERS="4"),
            f"ours, {db}, slow disk": lambda: self._on_slow_disk(partial(ours, **slow)),
            f"ours, {db}, slow disk, one commit each": lambda: self._on_slow_disk(
                partial(ours, each=True, **slow)
            ),
            f"ours, {db}, storm": lambda: self._stormed(db, usual),
            f"look-up, {db}": lambda: self._looked_up(db),
            f"drain, {db}": lambda: self._drained(db),
            f"failures, {db}": lambda: self._failures(db),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _ours(  # noqa: PLR0913 - whose database, what comes for whom, for how long
        self,
        db: str,
        kind: str = "message",
        *,
        bot: Bot = "away",
        events: int = 1,
        each: bool = False,
        seconds: int | None = None,
        **settings: str,
    ) -> dict[str, float]:
        """Measure the product as shipped; with a *bot*, messages are stored and forwarded to it.

        A bot that is "away" cannot be reached: then the intake alone is measured.
        """
        port = free_port()
        env = self._settings(port, self._database(db))
        self._make_tables(env)
        with contextlib.ExitStack() as stack:
            if bot != "none":
                sink = stack.enter_context(Sink()) if bot == "there" else None
                env["BOT_MESSENGER_URL"] = sink.url if sink else UNREACHABLE
            env |= settings
            return self._measured(
                _serve(port, each=each), env, port, kind, events=events, seconds=seconds
            )

    def _on_slow_disk(self, measure: Measure) -> dict[str, float]:
        library = self._folder / "slowsync.so"
        if not library.exists():
            source = str(HERE / "slowsync.c")
            command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), source, "-ldl"]
            subprocess.run(command, check=True)
        return measure()

    def _stormed(self, db: str, usual: dict[str, str]) -> dict[str, float]:
        """Measure the webhook while many people sign in."""
        port = free_port()
        with Graph(PAGE) as graph, Sink() as bot:
            env = self._settings(port, self._database(db)) | usual
            env |= {"GRAPH_URL": graph.url, "TRUSTED_PROXIES": "1", "BOT_MESSENGER_URL": bot.url}
            self._make_tables(env)
            storm.prepare(env)
            count = storm.A_SECOND * self._load.seconds
            bodies = self._load.bodies("message", events=1, count=count)
            with running(_serve(port), env, port, self._folder):
                return storm.measure(port, bodies, self._load.seconds, graph)

    def _looked_up(self, db: str) -> dict[str, float]:
        """Measure one look-up at a time, with few links and many in turns; then 64 at once."""
        found: dict[int, list[float]] = {lookup.FEW: [], lookup.MANY: []}
        with contextlib.ExitStack() as stack:
            servers = {}
            for links in found:
                port = free_port()
                env = self._settings(port, self._database(db))
                self._make_tables(env)
                key = lookup.fill(env, PAGE, links=links)
                stack.enter_context(running(_serve(port), env, port, self._folder))
                servers[links] = port, key
            for _ in range(LOOKED_UP):
                for links, (port, key) in servers.items():
                    told = lookup.measure(port, key, PAGE, links=links, folder=self._folder)
                    found[links].append(told["p50_us"])
            crowd = lookup.measure(
                port, key, PAGE, links=links, folder=self._folder, in_flight=IN_FLIGHT
            )
        few, many = (statistics.median(each) for each in found.values())
        return {
            "few_p50_us": few,
            "many_p50_us": many,
            "ratio": round(many / few, 3),
            "a_second": crowd["a_second"],
        }

    def _failures(self, db: str) -> dict[str, float]:
        env = self._settings(free_port(), self._database(db))
        self._make_tables(env)
        return failures.measure(env, PAGE)

    def _drained(self, db: str) -> dict[str, float]:
        """Measure one worker that forwards deliveries which were stored before it started."""
        env = self._settings(free_port(), self._database(db))
        self._make_tables(env)
        count = DRAINED_A_SECOND * self._load.seconds
        bodies = self._load.bodies("message", events=1, count=count)
        with Sink() as bot, bodies.open() as lines:
            return drain(env | {"BOT_MESSENGER_URL": bot.url}, lines, self._folder)

    def _make_tables(self, env: dict[str, str]) -> None:
        command = [BIN / "threadlink", "db", "upgrade"]
        subprocess.run(command, env=env, check=True, cwd=self._folder, capture_output=True)

    def _measured(  # noqa: PLR0913 - the server, its place, the load and its length
        self,
        command: list[str],
        env: dict[str, str],
        port: int,
        kind: str,
        *,
        events: int = 1,
        seconds: int | None = None,
        stores: bool = True,
    ) -> dict[str, float]:
        # For half the time with batches, which would not fit into memory otherwise.
        seconds = seconds or max(1, self._load.seconds // (1 if events == 1 else 2))
        a_second = SINGLES_A_SECOND if events == 1 else BATCHES_A_SECOND
        # A server that stores nothing cannot recognise a repeated delivery.
        count = a_second * (seconds if stores else 1)
        bodies = self._load.bodies(kind, events=events, count=count)
        warm_up = self._load.bodies(f"first {kind}", events=events, count=a_second // 2)
        with running(command, env, port, self._folder) as (pid, start_s):
            self._load.run(port, warm_up, seconds=1, may_repeat=True)
            before = machine.cpu_seconds(pid)
            found = self._load.run(port, bodies, seconds=seconds, may_repeat=not stores)
            cpu = machine.cpu_seconds(pid) - before
            memory = machine.memory_mb(pid)
        if not found["requests"]:
            raise RuntimeError("nothing was answered")
        return {
            "acks_s": round(found["requests"] / found["seconds"], 1),
            "events_s": round(found["requests"] * events / found["seconds"]),
            "cpu_us": round(cpu / max(1, found["requests"]) * 1e6, 1),
            "p99_ms": round(found["p99_us"] / 1000, 1),
            "max_ms": round(found["max_us"] / 1000, 1),
            "start_s": round(start_s, 2),
            "memory_mb": round(memory),
        }

    def _settings(self, port: int, database: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE.parent),
            "SECRET_KEY": "bench-secret-key-that-is-long-enough-0",
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DATABASE_URL": database,
            "APP_ID": "1",
            "APP_SECRET": SECRET,
            "VERIFY_TOKEN": "v",
            "PAGE_ID": PAGE,
            "PAGE_ACCESS_TOKEN": "t",
            "GRAPH_URL": UNREACHABLE,
        }

    def _database(self, db: str) -> str:
        self._databases += 1
        if db == SQLITE:
            return f"sqlite:///{self._folder}/{self._databases}.sqlite"
        if self._postgres is None:
            server = self._stack.enter_context(postgres.running("max_connections=100"))
            self._postgres = server.render_as_string(hide_password=False)
        server = postgres.make_url(self._postgres)
        made = postgres.new_database(server, f"bench_{self._databases}")
        return made.render_as_string(hide_password=False)

    def _floor(self, mode: str) -> dict[str, float]:
        command = [sys.executable, "-m", "bench.commit_floor", str(self._folder), mode]
        done = subprocess.run(
            machine.on_core(machine.SERVER_CORE, [*command, str(self._load.seconds)]),
            capture_output=True,
            text=True,
            check=True,
            cwd=HERE.parent,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def _python(self, target: str, where: Path, events: int = 1) -> dict[str, float]:
        port = free_port()
        env = {**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE / 'rivals'}"}
        command = [str(where / "granian"), "--interface", "wsgi", "--blocking-threads", "8"]
        command += ["--port", str(port), "--no-ws", target]
        return self._measured(command, env, port, "unlinked", events=events, stores=False)

    def _node(self, script: str, where: str, events: int = 1) -> dict[str, float]:
        port = free_port()
        env = {**os.environ, "PORT": str(port), "NODE_ENV": "production"}
        env["NODE_PATH"] = str(install.CACHE / where / "node_modules")
        command = ["node", str(HERE / "rivals" / script)]
        return self._measured(command, env, port, "unlinked", events=events, stores=False)

    def _rivals(self) -> dict[str, Measure]:
        measures: dict[str, tuple[str, Measure]] = {}
        express = install.node("express", EXPRESS)
        measures["Express"] = express, lambda: self._node("express.js", "express")
        measures["Express, batch"] = express, lambda: self._node("express.js", "express", 1000)
        bottender = install.node("bottender", BOTTENDER, install.BOTTENDER_OVERRIDES)
        measures["Bottender"] = bottender, lambda: self._node("bottender.js", "bottender")
        python = install.CACHE / "python/bin"
        measures["fbmq"] = install.fbmq(), lambda: self._python("fbmq_app:app", python)
        self.missing = {name: why for name, (why, _) in measures.items() if why}
        return {name: measure for name, (why, measure) in measures.items() if not why}


def _serve(port: int, *, each: bool = False) -> list[str]:
    program = [sys.executable, "-m", "bench.one_commit_each"] if each else [BIN / "threadlink"]
    return [*map(str, program), "serve", "--port", str(port)]

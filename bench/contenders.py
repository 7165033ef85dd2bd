"""Everything that is measured: ours as shipped, the same with one commit each, floors, rivals."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from bench import machine
from bench.drain import drain
from bench.load import PAGE, SECRET, Load
from bench.sink import Sink
from tests import postgres

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "threadlink-bench"
BIN = Path(sys.executable).parent
EXPRESS = ("body-parser@2", "express@5")
BOTTENDER = ("express@5", "bottender@1.5.5")
# A second of the fastest contender, with room.
SINGLES_A_SECOND, BATCHES_A_SECOND = 12_000, 500
# What a worker shall do at the least.
DRAINED_A_SECOND = 1000

PATIENCE_S = 60

Measure = Callable[[], dict[str, float]]


class Field:
    """What can be measured here, by name, and what cannot and why."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._folder, self._load = folder, load
        self._stack = contextlib.ExitStack()
        self._postgres: str | None = None
        self._databases = 0
        self.missing: dict[str, str] = {}
        self.measures: dict[str, Measure] = {
            "ours, SQLite": lambda: self._ours("sqlite"),
            "ours, SQLite, one commit each": lambda: self._ours("sqlite", each=True),
            "ours, SQLite, two processes": lambda: self._ours("sqlite", WORKERS="2"),
            "ours, SQLite, log-outs": lambda: self._ours("sqlite", "unlinked"),
            "ours, PostgreSQL": lambda: self._ours("postgresql", WORKERS="2"),
            "ours, PostgreSQL, one commit each": lambda: self._ours(
                "postgresql", each=True, WORKERS="2"
            ),
            "ours, batch": lambda: self._ours("sqlite", "unlinked", events=1000),
            "ours, batch, passed on": lambda: self._ours("sqlite", events=1000),
            "drain, SQLite": lambda: self._drained("sqlite"),
            "drain, PostgreSQL": lambda: self._drained("postgresql"),
            "commit floor, one each": lambda: self._floor("each"),
            "commit floor, group": lambda: self._floor("group"),
            "Flask floor": lambda: self._python("bench.floor_app:app", BIN),
            **self._rivals(),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _ours(
        self,
        backend: str,
        kind: str = "message",
        *,
        events: int = 1,
        each: bool = False,
        **settings: str,
    ) -> dict[str, float]:
        """Measure the product as shipped; messages are stored, to be passed on to a bot."""
        port = _free_port()
        env = self._settings(port, self._database(backend)) | settings
        if kind == "message":
            env["BOT_MESSENGER_URL"] = self._stack.enter_context(Sink()).url
        self._make_tables(env)
        program = [sys.executable, "-m", "bench.one_commit_each"] if each else [BIN / "threadlink"]
        command = [*map(str, program), "serve", "--port", str(port)]
        return self._measured(command, env, port, kind, events)

    def _drained(self, backend: str) -> dict[str, float]:
        """Measure one worker that passes on what was stored while it was away."""
        env = self._settings(_free_port(), self._database(backend))
        self._make_tables(env)
        count = DRAINED_A_SECOND * self._load.seconds
        bodies = self._load.bodies("message", events=1, count=count)
        with Sink() as bot, bodies.open() as lines:
            return drain(env | {"BOT_MESSENGER_URL": bot.url}, lines, self._folder)

    def _make_tables(self, env: dict[str, str]) -> None:
        subprocess.run([BIN / "threadlink", "db", "upgrade"], env=env, check=True,
                       cwd=self._folder, capture_output=True)  # fmt: skip

    def _measured(
        self, command: list[str], env: dict[str, str], port: int, kind: str, events: int = 1
    ) -> dict[str, float]:
        a_second = SINGLES_A_SECOND if events == 1 else BATCHES_A_SECOND
        bodies = self._load.bodies(kind, events=events, count=a_second * self._load.seconds)
        warm_up = self._load.bodies(kind, events=events, count=a_second)
        with _running(command, env, port, self._folder) as (pid, start_s):
            self._load.run(port, warm_up, seconds=1)
            before = machine.cpu_seconds(pid)
            found = self._load.run(port, bodies)
            cpu = machine.cpu_seconds(pid) - before
            memory = machine.memory_mb(pid)
        return {
            "acks_s": round(found["requests"] / found["seconds"]),
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
            "GRAPH_URL": "http://127.0.0.1:9",
        }

    def _database(self, backend: str) -> str:
        self._databases += 1
        if backend == "sqlite":
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
            capture_output=True, text=True, check=True, cwd=HERE.parent,
        )  # fmt: skip
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def _python(self, target: str, where: Path, events: int = 1) -> dict[str, float]:
        port = _free_port()
        env = {**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE}"}
        command = [str(where / "granian"), "--interface", "wsgi", "--blocking-threads", "8"]
        command += ["--port", str(port), "--no-ws", target]
        return self._measured(command, env, port, "unlinked", events)

    def _node(self, script: str, where: str, events: int = 1) -> dict[str, float]:
        port = _free_port()
        env = {**os.environ, "PORT": str(port), "NODE_ENV": "production"}
        env["NODE_PATH"] = str(CACHE / where / "node_modules")
        command = ["node", str(HERE / "rivals" / script)]
        return self._measured(command, env, port, "unlinked", events)

    def _rivals(self) -> dict[str, Measure]:
        found: dict[str, Measure] = {}
        if _has_node(EXPRESS, ("Express", "Express, batch"), self.missing):
            found["Express"] = lambda: self._node("express.js", "express")
            found["Express, batch"] = lambda: self._node("express.js", "express", 1000)
        if _has_node((*EXPRESS[:-1], *BOTTENDER), ("Bottender",), self.missing):
            found["Bottender"] = lambda: self._node("bottender.js", "bottender")
        if _has_fbmq(self.missing):
            found["fbmq"] = lambda: self._python("fbmq_app:app", CACHE / "python/bin")
        return found


def _has_node(packages: tuple[str, ...], names: tuple[str, ...], missing: dict[str, str]) -> bool:
    """Install *packages* once; where that cannot be, say why *names* are missing."""
    where = CACHE / packages[-1].partition("@")[0]
    if (where / "complete").exists():
        return True
    if shutil.which("npm") is None:
        missing.update(dict.fromkeys(names, "npm is not installed"))
        return False
    where.mkdir(parents=True, exist_ok=True)
    install = ["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", "--silent"]
    if subprocess.run([*install, *packages], cwd=where, check=False).returncode:
        missing.update(dict.fromkeys(names, "npm could not install it"))
        return False
    (where / "complete").touch()
    return True


def _has_fbmq(missing: dict[str, str]) -> bool:
    if (CACHE / "python/bin/granian").exists():
        return True
    CACHE.mkdir(parents=True, exist_ok=True)
    made = subprocess.run([sys.executable, "-m", "venv", CACHE / "python"], check=False)
    wanted = ["fbmq==2.5", "flask", "granian"]
    pip = [CACHE / "python/bin/python", "-m", "pip", "install", "--quiet", *wanted]
    if made.returncode or subprocess.run(pip, check=False).returncode:
        missing["fbmq"] = "pip could not install it"
        return False
    return True


@contextlib.contextmanager
def _running(
    command: list[str], env: dict[str, str], port: int, folder: Path
) -> Iterator[tuple[int, float]]:
    """Run a server on its core; yield its process and how long its first answer took."""
    begun = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            machine.on_core(machine.SERVER_CORE, command),
            env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - begun > PATIENCE_S:
                sys.exit(f"{command}: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(12))
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

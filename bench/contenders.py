"""The measurements: Threadlink, the floors under it, and the rivals beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import machine
from bench.databases import BIN, Databases
from bench.figures import DATABASES, Run
from bench.load import Load
from bench.product import LINKS, Measure, Product
from bench.rivals import install
from bench.runs import started
from bench.server import Server, free_port

HERE = Path(__file__).parent
EXPRESS = ("body-parser@2", "express@5")
# libsql is SQLite with a driver whose binary is in its package.
EXPRESS_LOOK_UPS = ("express@5", "libsql@0.5", "pg@8")
BOTTENDER = ("express@4", "body-parser@2", "bottender@1.5.5")


class Field:
    """The measurements that can be made here, by name, and the reasons why others are missing."""

    def __init__(self, folder: Path, load: Load, databases: Databases, product: Product) -> None:
        self._folder, self._load, self._databases = folder, load, databases
        self.missing: dict[str, str] = {}
        self.measures: dict[str, Measure] = {
            "commit floor, one each": lambda: self._floor("each"),
            "commit floor, group": lambda: self._floor("group"),
            "ASGI floor": lambda: self._python("bench.floor_app:app", BIN, interface="asginl"),
            "help": self._help,
            **{name: measure for db in DATABASES for name, measure in product.measures(db).items()},
            **self._rivals(),
        }

    def _floor(self, mode: str) -> Run:
        command = [sys.executable, "-m", "bench.commit_floor", str(self._folder), mode]
        done = subprocess.run(
            machine.on_core(machine.SERVER_CORE, [*command, str(self._load.seconds)]),
            capture_output=True,
            text=True,
            check=True,
            cwd=HERE.parent,
        )
        found: Run = json.loads(done.stdout)
        return found

    def _help(self) -> Run:
        command = machine.on_core(machine.SERVER_CORE, [str(BIN / "threadlink"), "--help"])
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder)
        return {"seconds": round(time.perf_counter() - begun, 3)}

    def _python(self, target: str, where: Path, *, interface: str = "wsgi") -> Run:
        port = free_port()
        env = {**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE / 'rivals'}"}
        threads = ["--blocking-threads", "8"] if interface == "wsgi" else []
        command = [str(where / "granian"), "--interface", interface, *threads]
        return self._posted(Server([*command, "--port", str(port), "--no-ws", target], env, port))

    def _posted(self, server: Server, events: int = 1) -> Run:
        with started(self._load, server, self._folder) as rival:
            return rival.post("unlinked", events=events, stores=False)

    def _node(self, script: str, where: str, **settings: str) -> Server:
        port = free_port()
        env = {**os.environ, "PORT": str(port), "NODE_ENV": "production", **settings}
        env["NODE_PATH"] = str(install.CACHE / where / "node_modules")
        return Server(["node", str(HERE / "rivals" / script)], env, port)

    def _looked_up(self, db: str) -> Run:
        """Measure Express on the very database that Threadlink reads."""
        database, key = self._databases.linked(db, LINKS)
        server = self._node("look_up.js", "look-ups", DATABASE_URL=database)
        used = partial(self._databases.processor_seconds, db)
        with started(self._load, server, self._folder, used) as rival:
            return rival.ask(key, links=LINKS)

    def _rivals(self) -> dict[str, Measure]:
        express = install.node("express", EXPRESS)
        look_ups = install.node("look-ups", EXPRESS_LOOK_UPS)
        bottender = install.node("bottender", BOTTENDER, install.BOTTENDER_OVERRIDES)
        measures: dict[str, tuple[str, Callable[[], Run]]] = {
            "Express": (express, lambda: self._posted(self._node("express.js", "express"))),
            "Express, batch": (
                express,
                lambda: self._posted(self._node("express.js", "express"), 1000),
            ),
            **{
                f"Express, look-ups, {db}": (look_ups, partial(self._looked_up, db))
                for db in DATABASES
            },
            "Bottender": (
                bottender,
                lambda: self._posted(self._node("bottender.js", "bottender")),
            ),
            "fbmq": (
                install.fbmq(),
                lambda: self._python("fbmq_app:app", install.CACHE / "python/bin"),
            ),
        }
        self.missing = {name: why for name, (why, _) in measures.items() if why}
        return {name: measure for name, (why, measure) in measures.items() if not why}

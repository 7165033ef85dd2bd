"""Litestream beside SQLite: server and Litestream are killed under load, and the copy is restored.

`make drills-litestream` brings the program, and prints what the restored copy lacks.
"""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
import yaml
from sqlalchemy import text

from app.infra import clock
from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url
from tests import shipped
from tests.actors import Messenger, delivery, message
from tests.browsers import OverSockets
from tests.drills.deployment.guide import ROOT
from tests.drills.server_and_worker import kill
from tests.installation import BEN

ROUNDS: Final = int(os.environ.get("DRILL_LITESTREAM", "1"))
SECONDS: Final = 10
A_SECOND: Final = 50
# The interval of the shipped file, and the time in which an upload is made.
MOST_LOST_SECONDS: Final = 3
# Nobody listens there: every delivery stays in the outbox.
SETTINGS: Final = {"BOT_MESSENGER_URL": "http://127.0.0.1:9/messenger"}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_restored_copy_lacks_the_last_moments_alone(
    sqlite_template: Path, tmp_path: Path, number: int
) -> None:
    """What was acknowledged before that is there, and the copy is sound."""
    path = shutil.copyfile(sqlite_template, tmp_path / "threadlink.sqlite")
    configuration = _configuration(path, tmp_path)
    server = shipped.start(database_url(f"sqlite:///{path}"), tmp_path, **SETTINGS)
    with replicating(configuration) as litestream:
        acknowledged = _load(server, SECONDS + random.Random(number).random())  # noqa: S311
        ended = time.monotonic()
        litestream.send_signal(signal.SIGKILL)
        kill(server.process)

    copy = tmp_path / "restored.sqlite"
    _litestream("restore", "-config", str(configuration), "-o", str(copy), str(path))
    kept = _digests(copy)
    lost = {digest: at for digest, at in acknowledged.items() if digest not in kept}
    print(  # noqa: T201 - figures
        f"\n{len(acknowledged)} acknowledged in {SECONDS} s; the restored copy lacks the last "
        f"{len(lost)}, of {ended - min(lost.values(), default=ended):.2f} s"
    )
    assert len(acknowledged) > SECONDS * A_SECOND / 4
    assert ended - min(lost.values(), default=ended) <= MOST_LOST_SECONDS
    # The last ones, and none from between.
    assert set(lost) == set(list(acknowledged)[len(acknowledged) - len(lost) :])


def _load(server: shipped.Shipped, seconds: float) -> dict[str, float]:
    """Post deliveries for *seconds*; return when each was acknowledged, by its digest."""
    messenger = Messenger(OverSockets(server.origin))
    acknowledged: dict[str, float] = {}
    tick, began = threading.Event(), time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        body = delivery(message(BEN, f"message {len(acknowledged)}", clock.now()))
        assert 200 == messenger.posts(body).status
        acknowledged[sha256(body).hexdigest()] = time.monotonic()
        tick.wait(max(0, len(acknowledged) / A_SECOND - elapsed))
    return acknowledged


def _digests(copy: Path) -> set[str]:
    engine = make_engine(database_url(f"sqlite:///{copy}"))
    with engine.connect() as connection:
        assert "ok" == connection.scalar(text("PRAGMA integrity_check"))
        found = set(connection.scalars(text("SELECT digest FROM outbox WHERE kind = 'delivery'")))
    engine.dispose()
    return found


def _configuration(path: Path, folder: Path) -> Path:
    """Return the shipped file with another database, and a folder in place of the bucket."""
    told = yaml.safe_load((ROOT / "docs/deploy/litestream.yml").read_text(encoding="utf-8"))
    (one,) = told["dbs"]
    one["path"] = str(path)
    interval = one["replica"]["sync-interval"]
    one["replica"] = {
        "type": "file",
        "path": str(folder / "replica"),
        "sync-interval": interval,
    }
    there = folder / "litestream.yml"
    there.write_text(yaml.safe_dump(told), encoding="utf-8")
    return there


@contextmanager
def replicating(configuration: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield Litestream once its first snapshot is there."""
    command = [_program(), "replicate", "-config", str(configuration)]
    tick = threading.Event()
    with (
        configuration.with_suffix(".log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,  # noqa: S603 - ours
    ):
        try:
            while not any((configuration.parent / "replica").rglob("*.ltx")):
                assert process.poll() is None, configuration.with_suffix(".log").read_text()
                tick.wait(0.05)
            yield process
        finally:
            process.kill()


def _litestream(*arguments: str) -> None:
    subprocess.run([_program(), *arguments], check=True, timeout=60)  # noqa: S603 - ours


def _program() -> str:
    found = shutil.which("litestream")
    assert found, "make drills-litestream brings it"
    return found

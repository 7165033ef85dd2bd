"""The rate at which one worker forwards waiting deliveries to a bot that answers at once."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.infra.settings.database_url import database_url
from app.outbox.bot_webhooks import RawDelivery, item_of
from app.outbox.models import OutboxRow
from bench import machine

COMMIT, LOOK_S = 200, 0.05


def drain(env: dict[str, str], lines: Iterable[str], folder: Path) -> dict[str, float]:
    """Store *lines* of signatures and bodies, start a worker, and return its deliveries a second.

    Measured from the first to the last, so that the start of the process does not count.
    """
    engine = make_engine(database_url(env["DATABASE_URL"]))
    writer = Writer(engine)
    deliveries = [_delivery(line) for line in lines]
    for first in range(0, len(deliveries), COMMIT):
        writer.write(_add, deliveries[first : first + COMMIT])
    command = machine.on_core(machine.SERVER_CORE, [f"{Path(sys.executable).parent}/threadlink"])
    process = subprocess.Popen([*command, "worker"], env=env, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        begun, before = _wait_until_fewer(writer, len(deliveries))
        cpu = machine.cpu_seconds(process.pid)
        ended, _ = _wait_until_fewer(writer, 1)
        cpu = machine.cpu_seconds(process.pid) - cpu
    finally:
        process.terminate()
        process.wait(30)
        engine.dispose()
    return {
        "deliveries_s": round(before / (ended - begun)),
        "cpu_us": round(cpu / before * 1e6, 1),
    }


def _delivery(line: str) -> RawDelivery:
    new, old, body = line.rstrip("\n").split("\t", 2)
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature": f"sha1={old}",
        "X-Hub-Signature-256": f"sha256={new}",
    }
    return RawDelivery(body.encode(), headers)


def _add(session: Session, deliveries: list[RawDelivery]) -> None:
    for delivery in deliveries:
        item_of(delivery, at=clock.now())(session)


def _wait_until_fewer(writer: Writer, count: int) -> tuple[float, int]:
    """Wait until fewer than *count* deliveries are waiting; return the time and their number."""
    while (left := writer.read(_waiting)) >= count:
        time.sleep(LOOK_S)
    return time.perf_counter(), left


def _waiting(session: Session) -> int:
    waiting = select(func.count()).select_from(OutboxRow).where(OutboxRow.state == "waiting")
    return session.scalar(waiting) or 0

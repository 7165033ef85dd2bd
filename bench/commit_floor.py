"""The rate of durable commits in SQLite alone: no HTTP, no JSON, no SQLAlchemy.

    python -m bench.commit_floor FOLDER each|group SECONDS

``each``: 16 threads commit a row each. ``group``: one thread commits what 16 hand it.
"""

import json
import queue
import resource
import sqlite3
import sys
import threading
import time
from pathlib import Path

THREADS = 16
TABLE = (
    "CREATE TABLE event (at INTEGER, psid TEXT, page TEXT, status TEXT, UNIQUE (at, psid, page))"
)
INSERT = "INSERT INTO event VALUES (?, ?, '104612345678901', 'unlinked')"


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def put(connection: sqlite3.Connection, rows: list[tuple[int, str]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, rows)
    connection.execute("COMMIT")


def run(path: Path, mode: str, seconds: float) -> dict[str, float]:  # noqa: C901 - three threads' work
    """Return commits acknowledged a second, and processor time for each."""
    connect(path).execute(TABLE)
    waiting: queue.SimpleQueue[tuple[tuple[int, str], threading.Lock] | None] = queue.SimpleQueue()
    counts = [0] * THREADS
    limit = time.monotonic() + seconds

    def each(thread: int) -> None:
        connection = connect(path)
        while time.monotonic() < limit:
            put(connection, [(counts[thread], str(thread))])
            counts[thread] += 1

    def hand_over(thread: int) -> None:
        done = threading.Lock()
        done.acquire()
        while time.monotonic() < limit:
            waiting.put(((counts[thread], str(thread)), done))
            done.acquire()
            counts[thread] += 1

    def write() -> None:
        connection = connect(path)
        while (first := waiting.get()) is not None:
            group = [first]
            while not waiting.empty() and (more := waiting.get()) is not None:
                group.append(more)
            put(connection, [row for row, _ in group])
            for _, done in group:
                done.release()

    work = each if mode == "each" else hand_over
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    writer = threading.Thread(target=write)
    writer.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting.put(None)
    writer.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    total = sum(counts)
    return {
        "acks_s": round(total / seconds),
        "cpu_us": round((used.ru_utime + used.ru_stime) / total * 1e6, 1),
    }


if __name__ == "__main__":
    folder, mode, seconds = sys.argv[1:]
    print(json.dumps(run(Path(folder) / f"floor-{time.time_ns()}.sqlite", mode, float(seconds))))

"""The time of answers to programs while many people sign in, or wait for a Graph that hangs.

    python -m bench.storm probe PORT REQUESTS SECONDS
    python -m bench.storm people PORT

The probe sends 200 requests a second, and a request's time counts from when it was due, so that
a server that stalls cannot hide it. The people have right passwords, and each has an address.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import requests

from app.accounts import local
from app.infra import clock
from app.services.container import build
from app.services.settings import settings_from_env
from bench import machine
from bench.graph import Graph
from tests.actors import Person, log_in
from tests.browsers import OverSockets

PEOPLE, A_SECOND, CONNECTIONS = 64, 200, 64
PASSWORD = "correct horse battery staple"
SETTLE_S = 1.5
PAGE_VIEWS = 200


def prepare(env: Mapping[str, str]) -> None:
    """Add the accounts of the people to the database of *env*."""
    services = build(settings_from_env(env))
    hashed = services.hasher.hash(PASSWORD)
    for number in range(PEOPLE):
        services.write(local.add, f"p{number}@example.com", None, hashed, at=clock.now())
    services.close()


def measure(
    port: int, bodies: Path, look_ups: Path, seconds: int, graph: Graph
) -> dict[str, float]:
    """Return the webhook's p99 idle, while people sign in, and while they wait for Graph.

    And that of *look_ups*, whose file has a request in each line, while people sign in.
    """
    deliveries = bodies.with_suffix(".requests")
    with bodies.open() as lines, deliveries.open("w") as file:
        for line in itertools.islice(lines, A_SECOND * seconds):
            file.write(json.dumps(_delivery(port, line)) + "\n")
    # Discarded: the first of the idle runs also opens the connections.
    _probe(port, deliveries, 1)
    idle = _probe(port, deliveries, seconds)
    pages = _pages(port)
    with _people(port):
        storm = _probe(port, deliveries, seconds)
        look_up = _probe(port, look_ups, seconds)
    graph.hangs.set()
    with _people(port):
        hanging = _probe(port, deliveries, seconds)
    return {
        "idle_p99_ms": idle,
        "storm_p99_ms": storm,
        "storm_ratio": round(storm / idle, 2),
        "hanging_p99_ms": hanging,
        "hanging_ratio": round(hanging / idle, 2),
        "look_up_p99_ms": look_up,
        **pages,
    }


def write_look_ups(paths: Path, port: int, key: str) -> Path:
    """Return a file of requests for *paths* with the API key *key*."""
    requests_file = paths.with_suffix(".requests")
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
    with paths.open() as lines, requests_file.open("w") as file:
        for line in lines:
            file.write(json.dumps(f"GET {line.strip()} HTTP/1.1\r\n{head}") + "\n")
    return requests_file


def _pages(port: int) -> dict[str, float]:
    """Return the p95 of the two pages that every person sees, one after the other."""
    person = Person(OverSockets(f"http://127.0.0.1:{port}", {"X-Forwarded-For": "10.1.0.1"}))
    person.taps_log_in(log_in())
    log_in_page = _p95_of(person, person.sees.form("Log in").action)
    person.signs_in("p0@example.com", PASSWORD)
    confirm = _p95_of(person, person.sees.form("Connect").action)
    return {"log_in_page_p95_ms": log_in_page, "confirm_page_p95_ms": confirm}


def _p95_of(person: Person, address: str) -> float:
    took = []
    for _ in range(PAGE_VIEWS):
        begun = time.perf_counter()
        person.opens(address)
        took.append(time.perf_counter() - begun)
    return round(sorted(took)[int(len(took) * 0.95)] * 1000, 2)


def _probe(port: int, asked: Path, seconds: int) -> float:
    command = [sys.executable, "-m", "bench.storm", "probe", str(port), str(asked), str(seconds)]
    done = subprocess.run(
        machine.on_core(machine.LOAD_CORE, command), capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    if found["bad"]:
        print(f"  NOT CLEAN: {found['bad']:g} requests were not answered 200")
    return found["p99_ms"]


@contextmanager
def _people(port: int) -> Iterator[None]:
    # At a lower priority than the probe: their cost must not count as the server's.
    command = ["nice", sys.executable, "-m", "bench.storm", "people", str(port)]
    process = subprocess.Popen(
        machine.on_core(machine.LOAD_CORE, command), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(SETTLE_S)
        yield
    finally:
        process.kill()
        process.wait()


async def probe(port: int, asked: Path, seconds: int) -> dict[str, float]:
    """Send what is *asked* to *port*; return the p99 in ms, and how many were not answered 200."""
    with asked.open() as file:
        sent = [json.loads(line).encode() for line in itertools.islice(file, A_SECOND * seconds)]
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    took: list[float] = []
    bad = 0

    async def post() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (one := await due.get()) is not None:
            writer.write(one[1])
            head = await reader.readuntil(b"\r\n\r\n")
            bad += not head.startswith(b"HTTP/1.1 200")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            await reader.readexactly(int(length or 0))
            took.append(time.perf_counter() - one[0])
        writer.close()

    posting = [asyncio.create_task(post()) for _ in range(CONNECTIONS)]
    begun = time.perf_counter() + 0.1
    for number, request in enumerate(sent):
        moment = begun + number / A_SECOND
        await asyncio.sleep(max(0, moment - time.perf_counter()))
        due.put_nowait((moment, request))
    for _ in posting:
        due.put_nowait(None)
    await asyncio.gather(*posting)
    return {"p99_ms": round(sorted(took)[int(len(took) * 0.99)] * 1000, 2), "bad": bad}


def _delivery(port: int, line: str) -> str:
    signature, _, body = line.rstrip("\n").split("\t", 2)
    return (
        f"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def people(port: int) -> None:
    """Let all the people sign in again and again, until the process is killed."""
    numbers = itertools.count(os.getpid() * 1000)
    for number in range(PEOPLE):
        threading.Thread(target=_sign_in, args=(port, f"p{number}@example.com", numbers)).start()


def _sign_in(port: int, username: str, numbers: Iterator[int]) -> None:
    while True:
        address = str(IPv4Address("10.0.0.0") + 256 * (next(numbers) % 65536))
        person = Person(OverSockets(f"http://127.0.0.1:{port}", {"X-Forwarded-For": address}))
        try:
            person.taps_log_in(log_in())
            person.signs_in(username, PASSWORD)
        except (ValueError, AssertionError, KeyError, requests.RequestException):
            # A page that reloads itself soon, as designed.
            time.sleep(0.2)


if __name__ == "__main__":
    if sys.argv[1] == "people":
        people(int(sys.argv[2]))
    else:
        print(json.dumps(asyncio.run(probe(int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))))

"""Signed deliveries and look-ups, and wrk to ask for them."""

import hmac
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.links import psid
from bench.machine import LOAD_CORE, on_core

SECRET = "s3cret"
PAGE = "104612345678901"
SCRIPT = Path(__file__).with_name("post.lua")
LOOK_UP_SCRIPT = Path(__file__).with_name("get.lua")
IN_FLIGHT = 64
MOST_PATHS = 50_000


class Load:
    """Files of deliveries, each different from all others, and runs of *seconds* each."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder, self.seconds = folder, seconds
        self._count = 0

    def bodies(self, kind: str, *, events: int, count: int, series: str = "") -> Path:
        """Return a file of *count* deliveries of *events* each, all different.

        The same file again for the same wish: a run has a database of its own, or else a *series*.
        """
        path = self._folder / f"{kind}-{series}-{events}-{count}.tsv"
        if path.exists():
            return path
        self._count += 1
        with path.open("w") as file:
            for body in self._deliveries(kind.removeprefix("first "), events, count):
                # Messenger sends both signatures; Bottender checks the older one.
                new, old = (
                    hmac.digest(SECRET.encode(), body.encode(), name).hex()
                    for name in ("sha256", "sha1")
                )
                file.write(f"{new}\t{old}\t{body}\n")
        return path

    def run(
        self, port: int, bodies: Path, *, seconds: int, may_repeat: bool = False
    ) -> dict[str, float]:
        """Post *bodies* to *port* as fast as it answers; return the figures of wrk."""
        options = [f"-c{IN_FLIGHT}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
        options += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}/webhook"]
        found = _wrk(options, BODIES=str(bodies))
        if found["refused"] or found["errors"]:
            print(f"  NOT CLEAN: {found['refused']} refused, {found['errors']} socket errors")
        if found["wraps"] and not may_repeat:
            print("  NOT CLEAN: the bodies ran out and came again")
        return found

    def look_up(
        self, port: int, key: str, *, links: int, in_flight: int, seconds: int
    ) -> dict[str, float]:
        """Look up people among so many *links* by the API key *key*; return the figures of wrk."""
        options = [f"-c{in_flight}", f"-d{seconds}s", "-s", str(LOOK_UP_SCRIPT)]
        options.append(f"http://127.0.0.1:{port}")
        found = _wrk(options, PATHS=str(self.paths(links)), KEY=key)
        if found["refused"]:
            print(f"  NOT CLEAN: {found['refused']:g} look-ups were not answered 200")
        return found

    def paths(self, links: int) -> Path:
        """Return a file of the paths of people who are spread over all *links*."""
        path = self._folder / f"paths-{links}"
        step = max(1, links // MOST_PATHS)
        path.write_text("".join(f"/api/v1/links/{PAGE}/{psid(n)}\n" for n in range(0, links, step)))
        return path

    def _deliveries(self, kind: str, events: int, count: int) -> Iterator[str]:
        first = self._count * 10_000_000
        now = int(time.time() * 1000)
        for number in range(count):
            batch = [
                _event(kind if place == 0 else "message", first + number * events + place, now)
                for place in range(events)
            ]
            entries = [{"id": PAGE, "time": now, "messaging": [event]} for event in batch]
            yield json.dumps({"object": "page", "entry": entries}, separators=(",", ":"))


def _wrk(options: list[str], **settings: str) -> dict[str, float]:
    """Return the figures of one run of wrk, whose script reads *settings*."""
    done = subprocess.run(
        on_core(LOAD_CORE, ["wrk", "-t1", *options]),
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("JSON ")]
    found: dict[str, float] = json.loads(line.removeprefix("JSON "))
    return found


def _event(kind: str, number: int, now: int) -> dict[str, object]:
    # Scattered over the keys: ascending ones would favour an index that begins with them.
    psid = str(10**16 + number * 618_033_988_749_895 % 10**16)
    event: dict[str, object] = {
        "sender": {"id": psid},
        "recipient": {"id": PAGE},
        "timestamp": now,
    }
    if kind == "message":
        event["message"] = {"mid": f"m_{number:032x}", "text": f"hello, number {number}"}
    else:
        event["account_linking"] = {"status": "unlinked"}
    return event

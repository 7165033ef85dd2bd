"""The time of a look-up by the API, with few links and with many."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine, insert

from app.api_keys import service as keys
from app.infra import clock
from app.linking.models import Link
from app.services.container import build
from app.services.settings import settings_from_env
from bench.machine import LOAD_CORE, on_core

FEW, MANY, AT_ONCE = 10_000, 1_000_000, 20_000
SECONDS = 2
SCRIPT = Path(__file__).with_name("get.lua")


def psid(number: int) -> str:
    """Return the PSID of link *number*, scattered over the key."""
    return str(10**15 + number * 618_033_988_749_895 % 10**15)


def fill(env: Mapping[str, str], page: str, *, links: int) -> str:
    """Insert *links* into the database of *env*; return an API key that may read them."""
    services = build(settings_from_env(env))
    for first in range(0, links, AT_ONCE):
        _add(services.engine, page, range(first, min(first + AT_ONCE, links)))
    key = services.write(
        keys.issue, "bench", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    services.close()
    return key


def _add(engine: Engine, page: str, numbers: range) -> None:
    at = clock.now()
    rows = [
        {
            "page_id": page,
            "psid": psid(number),
            "issuer": "https://shop.example.com",
            "subject": f"user-{number}",
            "state": "linked",
            "version": 1,
            "change": number,
            "event_at": at,
            "cause": "messenger",
        }
        for number in numbers
    ]
    with engine.begin() as connection:
        connection.execute(insert(Link.__table__), rows)  # type: ignore[arg-type]  # its mixin's


def measure(  # noqa: PLR0913 - where, by whom, whom, and how many at once
    port: int, key: str, page: str, *, links: int, folder: Path, in_flight: int = 1
) -> dict[str, float]:
    """Return the figures of look-ups that are spread over the whole table."""
    step = max(1, links // 5000)
    paths = folder / f"paths-{links}"
    paths.write_text("".join(f"/api/v1/links/{page}/{psid(n)}\n" for n in range(0, links, step)))
    command = [
        "wrk",
        "-t1",
        f"-c{in_flight}",
        f"-d{SECONDS}s",
        "-s",
        str(SCRIPT),
        f"http://127.0.0.1:{port}",
    ]
    done = subprocess.run(
        on_core(LOAD_CORE, command),
        env={**os.environ, "PATHS": str(paths), "KEY": key},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("JSON ")]
    found: dict[str, float] = json.loads(line.removeprefix("JSON "))
    if found["refused"]:
        print(f"  NOT CLEAN: {found['refused']:g} look-ups were not answered 200")
    return found

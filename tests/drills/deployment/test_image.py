"""The Dockerfile is built, and compose.yaml brought up with two servers, by podman.

`make drills-image` needs root, debootstrap, podman and docker-compose (Debian's packages of these
names, and runc), and the registries of Debian and PyPI.
"""

import http.client
import json
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.drills.deployment.containers import (
    PYTHON,
    build_ours,
    configure,
    make_stand_ins,
    project,
)
from tests.drills.deployment.guide import ROOT
from tests.drills.deployment.machine import run

# It complains of a systemd that does not run: that would time the health checks.
PODMAN: Final = ("podman", "--log-level=fatal", "run")
LOCKED_DOWN: Final = ("--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp")
HAPROXY: Final = 8080
SERVICES: Final = ("server", "server2", "worker", "postgres")


@pytest.fixture(scope="module", autouse=True)
def _image(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("images")
    configure(folder)
    make_stand_ins(folder)
    build_ours("threadlink", PYTHON_IMAGE=PYTHON, EXTRAS="--extra otel --extra sentry")


@pytest.mark.parametrize("user", ["", "--user=12345:0"], ids=["its own user", "any, in group 0"])
def test_the_image_runs_read_only_and_without_rights(user: str) -> None:
    """R115; and as OpenShift runs what it does not know."""
    options = (*LOCKED_DOWN, *([user] if user else []))
    said = run(*PODMAN, *options, "threadlink", "threadlink", "--version")
    ask = "import os; print(os.getuid())"
    uid = run(*PODMAN, *options, "threadlink", "python", "-c", ask)

    assert said.startswith("threadlink")
    assert {"": "10001", "--user=12345:0": "12345"}[user] == uid.strip()


def test_the_extras_are_in_the_image() -> None:
    program = "import sentry_sdk, opentelemetry.sdk"
    run(*PODMAN, *LOCKED_DOWN, "threadlink", "python", "-c", program)


def test_compose_restarts_two_servers_one_by_one_and_fails_nobody(tmp_path: Path) -> None:
    """Behind HAProxy; all are healthy, stop in time, and are asked all the while."""
    _prepare(tmp_path)
    with project(tmp_path) as here:
        here.compose("up", "--detach", "--no-build")
        _until_ready()
        here.compose("exec", "-T", "server", "threadlink", "db", "status")
        with asking() as answers:
            for server in ("server", "server2") * 2:
                here.compose("restart", server)
                _until_healthy(server)
        for service in SERVICES:
            _until_healthy(service)

    print(f"\nfour restarts, {answers.total()} requests: {dict(answers)}")  # noqa: T201
    assert {200} == set(answers)


def _prepare(folder: Path) -> None:
    """Lay down the files of the guide's "With containers"."""
    (folder / "docs/deploy").mkdir(parents=True)
    for name in ("compose.yaml", "docs/deploy/haproxy-compose.cfg"):
        shutil.copyfile(ROOT / name, folder / name)
    password = secrets.token_hex(24)
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets/postgres_password").write_text(password)
    (folder / "secrets/pgpass").write_text(f"postgres:5432:threadlink:threadlink:{password}")
    (folder / "secrets/pgpass").chmod(0o400)
    shutil.chown(folder / "secrets/pgpass", 10001)
    settings = {
        "PUBLIC_URL": "https://shop.example",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "VERIFY_TOKEN": secrets.token_urlsafe(48),
        "APP_ID": "1",
        "APP_SECRET": secrets.token_hex(16),
        "PAGE_ID": "2",
        "PAGE_ACCESS_TOKEN": f"EAA{secrets.token_hex(60)}",
        "DRAIN_SECONDS": "3",
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (folder / ".env").write_text(lines)


@contextmanager
def asking() -> Iterator[Counter[int | str]]:
    """Ask HAProxy 50 times a second until the block ends, and count what it answers."""
    answers: Counter[int | str] = Counter()
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.02):
            answers[_ask("/healthz")] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def _ask(path: str) -> int | str:
    connection = http.client.HTTPConnection("127.0.0.1", HAPROXY, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError as exc:
        return type(exc).__name__
    finally:
        connection.close()


def _until_ready() -> None:
    tick = threading.Event()
    for _ in range(60):
        if _ask("/readyz") == 200:
            return
        tick.wait(1)
    raise AssertionError("no server is ready")


def _until_healthy(service: str) -> None:
    tick = threading.Event()
    state = ""
    for _ in range(60):
        (container,) = run(
            "podman", "ps", "--quiet", f"--filter=label=com.docker.compose.service={service}"
        ).split()
        (told,) = json.loads(run("podman", "inspect", container))
        state = told["State"]["Health"]["Status"]
        if state == "healthy":
            return
        tick.wait(1)
    raise AssertionError(f"{service} is {state}")

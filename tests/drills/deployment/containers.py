"""podman, with stand-ins for the images that compose.yaml and the Dockerfile name.

Theirs come from a registry that not every machine reaches, these from Debian's packages, with its
Python 3.11; on them the shipped Dockerfile is built.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.drills.deployment.guide import ROOT
from tests.drills.deployment.machine import CERTIFICATES, ENVIRONMENT, make_tree, run

PYTHON: Final = "localhost/python:3.12-slim-bookworm"
STAND_INS: Final = Path(__file__).parent / "stand_ins"
PACKAGES: Final = ("ca-certificates", "python-is-python3", "python3", "python3-pip", "python3-venv")


def configure(folder: Path) -> None:
    """Write podman's settings for this machine, and name them in the environment."""
    # crun takes no hybrid of the two versions of control groups.
    runtime = 'runtime = "runc"' if shutil.which("runc") else ""
    path = folder / "containers.conf"
    # Podman's own are above what a virtual machine may allow.
    limits = 'default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]'
    lines = ("[containers]", limits, "[engine]", runtime)
    path.write_text("\n".join(lines), encoding="utf-8")
    os.environ["CONTAINERS_CONF"] = str(path)


def build(tag: str, file: Path, context: Path, *options: str) -> None:
    """Build an image, with the health check that a Dockerfile may have."""
    names = ("--tag", tag, "--file", str(file), str(context))
    run("podman", "build", "--quiet", "--format=docker", *options, *names)


def build_ours(tag: str, **arguments: str) -> None:
    """Build the shipped Dockerfile, whose packages come by https."""
    certificates = f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"
    env = (f"--env={name}={value}" for name, value in ENVIRONMENT.items())
    given = (f"--build-arg={name}={value}" for name, value in arguments.items())
    build(tag, ROOT / "Dockerfile", ROOT, certificates, *env, *given)


def make_stand_ins(folder: Path) -> None:
    """Make them where they are not kept from the last time."""
    if PYTHON not in run("podman", "images", "--format={{.Repository}}:{{.Tag}}").split():
        tree = make_tree(ROOT / "build/machines", *PACKAGES)
        archive = folder / "python.tar"
        run("tar", "--directory", str(tree), "--create", "--file", str(archive), ".")
        changes = ("--change=ENV PIP_BREAK_SYSTEM_PACKAGES=1", '--change=CMD ["python3"]')
        run("podman", "import", "--quiet", *changes, str(archive), PYTHON)
        archive.unlink()
    for name, tag in (("postgres", "17"), ("haproxy", "3.2")):
        build(f"localhost/{name}:{tag}", STAND_INS / f"Containerfile.{name}", STAND_INS)


class Project:
    """What docker-compose has made of compose.yaml in *folder*, on podman."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}"}

    def compose(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - ours
            ["docker-compose", "--profile", "two-servers", *arguments],  # noqa: S607 - Debian's
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """Yield a project whose containers and volumes are removed at the end."""
    socket = folder / "podman.sock"
    service = ["podman", "system", "service", "--time=0", f"unix://{socket}"]
    ended = threading.Event()
    health = threading.Thread(target=_check_health, args=(ended,))
    with subprocess.Popen(service, stderr=subprocess.DEVNULL) as podman:  # noqa: S603 - ours
        health.start()
        made = Project(folder, socket)
        try:
            yield made
        finally:
            ended.set()
            health.join()
            made.compose("down", "--volumes")
            podman.terminate()


def _check_health(ended: threading.Event) -> None:
    """Run each container's own check, for which podman needs a systemd that runs."""
    while not ended.wait(1):
        for container in run("podman", "ps", "--quiet").split():
            command = ["podman", "healthcheck", "run", container]
            subprocess.run(command, capture_output=True, timeout=30, check=False)  # noqa: S603

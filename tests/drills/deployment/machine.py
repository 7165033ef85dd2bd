"""A Debian machine in a folder, made by debootstrap and booted with its own systemd."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BOOT_SECONDS: Final = 60
NSPAWN: Final = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit")
# So that packages come where a firewall looks into TLS; the registries are the machine's own.
CERTIFICATES: Final = "/etc/ssl/certs"
ENVIRONMENT: Final = {
    name: value
    for name, value in os.environ.items()
    if name in {"SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"}
}


def make_tree(folder: Path, *packages: str) -> Path:
    """Return a tree with Debian's *packages*, kept under their names for the next time."""
    kept = folder / f"debian-12-{'-'.join(sorted(packages))}"[:200]
    if not kept.exists():
        half = kept.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        include = f"--include={','.join(packages)}"
        run("debootstrap", "--variant=minbase", include, "bookworm", str(half))
        half.rename(kept)
    return kept


def run(*command: str, text: str | None = None, seconds: float = 900) -> str:
    """Run *command*, and return what it wrote; it must end well."""
    done = subprocess.run(  # noqa: S603 - ours
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert 0 == done.returncode, f"{' '.join(command)}: {done.stdout[-3000:]}"
    return done.stdout


def run_inside(root: Path, script: str, binds: Mapping[Path, str]) -> str:
    """Run *script* in the tree, which is not booted, with this machine's network."""
    return run(
        *NSPAWN,
        *("--directory", str(root), "--pipe", "--as-pid2", f"--bind-ro={CERTIFICATES}"),
        *(f"--bind-ro={here}:{there}" for here, there in binds.items()),
        *(f"--setenv={name}={value}" for name, value in ENVIRONMENT.items()),
        *("/bin/sh", "-eux", "-c", script),
    )


class Machine:
    """A booted machine without a network; *leader* is its systemd, as this machine sees it."""

    def __init__(self, leader: int) -> None:
        self._enter = ("nsenter", "--target", str(leader), "--all")

    def do(self, script: str, text: str | None = None) -> str:
        """Run *script* as root, and return what it printed; it must end well."""
        command = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-eu")
        return run(*self._enter, *command, "-c", f"cd /; {script}", text=text)

    def shows(self, unit: str, name: str) -> str:
        return self.do(f"systemctl show --value --property {name} {unit}").strip()

    def until(self, script: str, seconds: float) -> None:
        """Run *script* again and again until it ends well."""
        tick = threading.Event()
        for _ in range(int(seconds * 2)):
            done = subprocess.run(  # noqa: S603 - ours
                [*self._enter, "sh", "-c", f"cd /; {script}"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return
            tick.wait(0.5)
        raise AssertionError(f"not within {seconds:.0f} s: {script}: {done.stdout}{done.stderr}")


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boot *root*; it is powered off at the end."""
    with (
        (root.parent / "console.log").open("wb") as console,
        subprocess.Popen(  # noqa: S603 - ours
            [*NSPAWN, "--directory", str(root), "--boot", "--private-network", "--console=pipe"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        ) as nspawn,
    ):
        try:
            machine = Machine(_leader(nspawn))
            machine.until("systemctl is-system-running | grep -E 'running|degraded'", BOOT_SECONDS)
            yield machine
        finally:
            nspawn.terminate()
            nspawn.wait(BOOT_SECONDS)


def _leader(nspawn: subprocess.Popen[bytes]) -> int:
    """Return the process that became the machine's first."""
    tick = threading.Event()
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    for _ in range(BOOT_SECONDS * 10):
        assert nspawn.poll() is None, "the machine did not boot"
        for child in children.read_text(encoding="ascii").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() == "systemd":
                return int(child)
        tick.wait(0.1)
    raise AssertionError("the machine did not boot")

"""The shipped units under a real systemd, installed and started as docs/deploying.md says.

`make drills-systemd` needs root, debootstrap and systemd-nspawn (Debian: debootstrap,
systemd-container), and the registries of Debian and PyPI. What is installed is the last commit.
"""

import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.drills.deployment.guide import ROOT, commands
from tests.drills.deployment.machine import Machine, booted, make_tree, run, run_inside

PACKAGES: Final = ("ca-certificates", "curl", "dbus", "git", "make", "postgresql", "procps")
ALSO: Final = ("python3", "python3-venv", "systemd", "systemd-sysv", "util-linux")
UNITS: Final = ("threadlink", "threadlink-worker")
ASK: Final = "curl -s --max-time 5 http://127.0.0.1:8000/readyz"
READY: Final = {"queue": "ok", "status": "ok"}
LITESTREAM: Final = commands("A copy that follows", "operations.md")
SOCKET: Final = "postgresql:///threadlink?host=/var/run/postgresql"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Yield a machine on which sections 1 to 3 have been typed, with PostgreSQL."""
    folder = tmp_path_factory.mktemp("machine")
    tree = make_tree(ROOT / "build/machines", *PACKAGES, *ALSO)
    layers = [folder / name for name in ("root", "upper", "work")]
    for layer in layers:
        layer.mkdir()
    root, upper, work = layers
    run("git", "clone", "--quiet", "--bare", str(ROOT), str(folder / "source"))
    options = f"lowerdir={tree},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "overlay", "-o", options, str(root))
    try:
        _install(root, folder / "source")
        with booted(root) as machine:
            _start(machine)
            yield machine
    finally:
        run("umount", str(root))


def test_the_guide_leads_to_a_server_that_is_ready_when_systemd_says_so(machine: Machine) -> None:
    """Type=notify: the very next command gets its answer, where it got nothing before."""
    machine.do("systemctl stop threadlink threadlink-worker")
    machine.do("systemctl start threadlink threadlink-worker")
    assert READY == json.loads(machine.do(ASK))

    for unit in UNITS:
        assert ("active", "notify") == (
            machine.shows(unit, "ActiveState"),
            machine.shows(unit, "Type"),
        )
        print(f"\n{machine.do(f'systemd-analyze security --no-pager {unit} | tail -1')}", end="")  # noqa: T201
        machine.do(f"systemd-analyze verify /etc/systemd/system/{unit}.service")


def test_reload(machine: Machine) -> None:
    """No restart: the same process has the new settings when systemctl returns, or soon after."""
    before = {unit: machine.shows(unit, "MainPID") for unit in UNITS}
    for unit in UNITS:
        machine.do(f"systemctl reload {unit}")
        machine.until(f"journalctl -u {unit} | grep -q server.reloaded", 10)

    assert before == {unit: machine.shows(unit, "MainPID") for unit in UNITS}


@pytest.mark.parametrize("unit", UNITS)
def test_kill_9(machine: Machine, unit: str) -> None:
    """R116."""
    restarts = int(machine.shows(unit, "NRestarts"))
    began = time.monotonic()
    machine.do(f"kill -9 $(systemctl show --value --property MainPID {unit})")
    machine.until(f"test $(systemctl show --value --property NRestarts {unit}) -gt {restarts}", 30)
    machine.until(f"systemctl is-active {unit} && {ASK} | grep -q '\"ok\"'", 60)

    print(f"\n{unit}: back {time.monotonic() - began:.1f} s after kill -9")  # noqa: T201


def test_database_away(machine: Machine) -> None:
    """While they run: 503, and no restart; at the start: started again until it is there."""
    restarts = {unit: machine.shows(unit, "NRestarts") for unit in UNITS}
    machine.do("systemctl stop postgresql@15-main")
    machine.until(f"{ASK} --output /dev/null --write-out '%{{http_code}}' | grep -q 503", 20)
    machine.do("systemctl start postgresql@15-main")
    began = time.monotonic()
    machine.until(f"{ASK} | grep -q '\"ok\"'", 20)
    print(f"\nready {time.monotonic() - began:.1f} s after the database")  # noqa: T201
    assert restarts == {unit: machine.shows(unit, "NRestarts") for unit in UNITS}

    machine.do("systemctl stop threadlink threadlink-worker postgresql@15-main")
    machine.do("systemctl start --no-block threadlink threadlink-worker")
    for unit in UNITS:
        machine.until(f"test $(systemctl show --value --property NRestarts {unit}) -ge 2", 60)
    machine.do("systemctl start postgresql@15-main")
    began = time.monotonic()
    machine.until(f"{ASK} | grep -q '\"ok\"' && systemctl is-active {' '.join(UNITS)}", 60)
    print(f"\nstarted {time.monotonic() - began:.1f} s after the database")  # noqa: T201


def test_what_hangs_is_started_again(machine: Machine) -> None:
    """The watchdog, of both: a process that is stopped (SIGSTOP) stands for one that hangs."""
    restarts = {unit: int(machine.shows(unit, "NRestarts")) for unit in UNITS}
    began = time.monotonic()
    for unit in UNITS:
        machine.do(f"kill -STOP $(systemctl show --value --property MainPID {unit})")
    for unit, count in restarts.items():
        machine.until(
            f"test $(systemctl show --value --property NRestarts {unit}) -gt {count}", 120
        )
        assert "watchdog" in machine.do(f"journalctl -u {unit} | grep -i watchdog").lower()
    machine.until(f"{ASK} | grep -q '\"ok\"' && systemctl is-active {' '.join(UNITS)}", 60)

    print(f"\nback {time.monotonic() - began:.1f} s after they hung")  # noqa: T201


def test_stop(machine: Machine) -> None:
    """R121."""
    for unit in UNITS:
        began = time.monotonic()
        machine.do(f"systemctl stop {unit}")
        print(f"\n{unit}: stopped in {time.monotonic() - began:.1f} s")  # noqa: T201
        assert ("success", "inactive") == (
            machine.shows(unit, "Result"),
            machine.shows(unit, "ActiveState"),
        )


def test_litestream(machine: Machine) -> None:
    """Its unit, hardened alike, beside a SQLite; then the copy is restored as the guide says."""
    prepare, start, restore, verify = (
        " && ".join(LITESTREAM[1:4]),
        *LITESTREAM[4:],
    )
    path = "instance/threadlink.sqlite"
    database = f"runuser -u threadlink -- env DATABASE_URL=sqlite:///{path}"
    # No bucket is here: a folder stands for it.
    folder = "s|type: s3|type: file\\n      path: /srv/threadlink/instance/replica|"
    gone = "/endpoint:/d; /bucket:/d; /path: shop/d"
    here = "cd /srv/threadlink;"
    machine.do(f"{here} {database} .venv/bin/threadlink db upgrade")
    machine.do(f"{here} touch litestream.env; {prepare}; sed -i '{gone}; {folder}' litestream.yml")
    machine.do(f"{here} {start}")
    machine.until(f"{here} find instance/replica -name '*.ltx' | grep -q .", 30)
    machine.do("systemctl stop threadlink-litestream")
    machine.do(f"{here} mkdir gone; mv {path}* gone")

    machine.do(f"{here} {restore}")
    assert "tables at" in machine.do(f"{here} {verify}")


def _install(root: Path, source: Path) -> None:
    """Type section 1, and write the settings of section 2."""
    typed = [line for line in commands("1. The program") if not line.startswith("apt-get ")]
    typed.append(LITESTREAM[0])
    script = "\n".join(typed).replace("THE-ADDRESS-OF-YOUR-COPY", "/mnt/source")
    run_inside(root, script, {source: "/mnt/source"})

    path = root / "srv/threadlink/.env"
    text = path.read_text(encoding="utf-8")
    for name, value in _settings().items():
        text = re.sub(rf"(?m)^#?{name}=.*$", f"{name}={value}", text)
    path.write_text(text, encoding="utf-8")


def _start(machine: Machine) -> None:
    """Type sections 2 and 3, where the database is the PostgreSQL of this machine."""
    machine.until("runuser -u postgres -- psql -c 'SELECT 1'", 30)
    for heading in ("2. The settings", "3. The server"):
        for line in commands(heading):
            if not line.startswith("apt-get "):
                print(f"  # {line}")  # noqa: T201
                answer = machine.do(f"cd /srv/threadlink; {line}", f"{secrets.token_hex(8)}\n")
                if line == ASK.replace(" --max-time 5", ""):
                    assert READY == json.loads(answer), "asked at once, as the guide does"


def _settings() -> dict[str, str]:
    return {
        "PUBLIC_URL": "https://shop.example",
        "TRUSTED_PROXIES": "1",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "VERIFY_TOKEN": secrets.token_urlsafe(48),
        "APP_ID": "1",
        "APP_SECRET": secrets.token_hex(16),
        "PAGE_ID": "2",
        "PAGE_ACCESS_TOKEN": f"EAA{secrets.token_hex(60)}",
        "DATABASE_URL": SOCKET,
    }

"""The shipped units and containers run Threadlink with least privileges (R115)."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "docs/deploy").glob("*.service"))

# A developer's tunnel, and the testing package; no server uses either.
RUNS = re.compile(r"os\.(exec|spawn|posix_spawn|fork|system|popen).*")
STARTS_PROGRAMS = {"app/cli/tunnel.py", "clients/python/threadlink_testing/process.py"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_unprivileged_and_writes_only_its_data(unit: Path) -> None:
    """R115: not root, the program read-only, no new rights, no capability."""
    options = dict(re.findall(r"(?m)^([A-Za-z]+)=(.*)$", unit.read_text()))

    assert options["User"] not in {"root", "0"}
    assert ("strict", "/srv/threadlink/instance") == (
        options["ProtectSystem"],
        options["ReadWritePaths"],
    )
    assert ("yes", "", "0077") == (
        options["NoNewPrivileges"],
        options["CapabilityBoundingSet"],
        options["UMask"],
    )
    assert "@system-service" in options["SystemCallFilter"]


def test_source_control_metadata_is_out_of_reach() -> None:
    """R115: the units hide it from the service, and the image is built without it."""
    hidden = "InaccessiblePaths=-/srv/threadlink/.git"
    dockerfile = (ROOT / "Dockerfile").read_text()
    context = (ROOT / ".dockerignore").read_text().splitlines()

    assert [] == [unit.name for unit in UNITS if hidden not in unit.read_text().splitlines()]
    assert "*" == context[0]
    assert not {"!.git", "!*"} & set(context)
    assert not re.search(r"(?m)^(?:COPY|ADD) (?:--\S+ )*(?:\.|\./|\*|\S*\.git\S*) ", dockerfile)


def test_the_image_runs_unprivileged_and_does_not_own_the_program() -> None:
    """R115."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    last_stage = dockerfile.rpartition("\nFROM ")[2]
    assert re.search(r"(?m)^USER 1\d{4}$", last_stage)
    copied = re.findall(r"(?m)^COPY .*$", last_stage)
    assert copied
    assert all("--chown=root:root" in line for line in copied)


def test_containers_are_read_only_and_without_rights() -> None:
    """R115: every container of ours in compose.yaml."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "threadlink"}

    assert len(ours) >= 3
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert ["ALL"] == service["cap_drop"], name
        assert ["no-new-privileges:true"] == service["security_opt"], name


def test_no_server_starts_another_program() -> None:
    """R115: no shell-outs."""
    starting = {
        str(path.relative_to(ROOT))
        for package in ("app", "clients")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(one.name == "subprocess" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "subprocess")
        or (isinstance(node, ast.Attribute) and RUNS.fullmatch(ast.unparse(node)))
    }

    assert STARTS_PROGRAMS == starting

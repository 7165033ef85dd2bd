"""The shipped units and containers run Threadlink with least privileges (R115)."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import OVERLAYS, named, pods, resources

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
    filters = re.findall(r"(?m)^SystemCallFilter=(.*)$", unit.read_text())
    assert ["@system-service", "~@privileged @resources"] == filters


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_rates_a_unit_as_hardly_exposed(unit: Path) -> None:
    """R115: 1.2 of 10 at most, by systemd's own count; 2.4 before."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze: on Debian and Ubuntu apt-get install systemd")
    done = subprocess.run(  # noqa: S603 - Debian's
        [program, "security", "--offline=true", "--no-pager", "--threshold=12", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


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


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_read_only_and_without_rights(overlay: str) -> None:
    """R115: each, as the Pod Security Standard "restricted" wants it, and with less."""
    found = dict(pods(overlay))
    (enforced,) = (each for each in resources(overlay) if each["kind"] == "Namespace")

    assert len(found) >= 3
    for name, pod in found.items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert {"type": "RuntimeDefault"} == spec["securityContext"]["seccompProfile"], name
        # No key to the cluster's own API.
        assert spec["automountServiceAccountToken"] is False, name
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert "memory" in container["resources"]["limits"], name
        assert {"secret", "emptyDir"} == {kind for one in spec["volumes"] for kind in one} - {
            "name"
        }
    assert "restricted" == enforced["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]


def test_pods_of_ours_run_as_the_user_of_the_image() -> None:
    """R115: and so may read what the Secret's volume gives to their group."""
    (user,) = re.findall(r"(?m)^USER (\d+)$", (ROOT / "Dockerfile").read_text())
    deployment = named("production", "Deployment", "threadlink-server")
    context = deployment["spec"]["template"]["spec"]["securityContext"]

    assert {int(user)} == {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")}


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

"""Recipes for operators install by hash, build on digests, and leave no source behind."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import yaml

from tests.docs.test_licences import TABLE

ROOT: Final = Path(__file__).parents[2]
UV: Final = (ROOT / "requirements-uv.txt").read_text()
MAKEFILE: Final = (ROOT / "Makefile").read_text()
DEPLOYING: Final = (ROOT / "docs/deploying.md").read_text()
# Files with commands by which somebody installs.
RECIPES: Final = (
    "Makefile",
    "Dockerfile",
    ".ci/run",
    "README.md",
    "CONTRIBUTING.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))),
)


def test_uv_is_installed_by_version_and_hash_wherever_it_is() -> None:
    """R114: pip runs as root in the recipe, and uv then installs all the rest."""
    lines = [line.strip(" \\") for line in UV.splitlines() if not line.startswith("#")]

    assert re.fullmatch(r"uv==[\d.]+", lines[0])
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in lines[1:])
    assert len(lines) > 10  # a wheel for each platform
    installing = {
        (file, line)
        for file in RECIPES
        for line in re.findall(r"(?m)^.*(?<!uv )(?<!uv. )pip install.*$", (ROOT / file).read_text())
        if re.search(r"\buv\b", line)
    }
    assert {"Makefile", "Dockerfile", "docs/deploying.md"} == {file for file, _ in installing}
    assert [] == [
        line
        for _, line in installing
        if "--require-hashes" not in line or "requirements-uv.txt" not in line
    ]


def test_base_images_can_be_named_by_digest() -> None:
    """R114: each by a variable whose default is a tag, and none beside them."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values()} - {"threadlink"}

    assert {"${PYTHON_IMAGE}"} == set(re.findall(r"(?m)^FROM (\S+)", dockerfile))
    assert dockerfile.index("\nARG PYTHON_IMAGE=") < dockerfile.index("\nFROM ")
    assert {"${HAPROXY_IMAGE:-haproxy:3.2}", "${POSTGRES_IMAGE:-postgres:17}"} == images
    (default,) = re.findall(r"ARG PYTHON_IMAGE=(\S+)", dockerfile)
    assert f"${{PYTHON_IMAGE:-{default}}}" == services["server"]["build"]["args"]["PYTHON_IMAGE"]
    for name in ("PYTHON_IMAGE", "POSTGRES_IMAGE", "HAPROXY_IMAGE"):
        assert f"{name}=" in DEPLOYING


def test_what_builds_the_wheel_has_the_locked_versions() -> None:
    """R114: an isolated build would take the newest hatchling there is."""
    pinned = dict(
        one.split("==")
        for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"][
            "build-constraint-dependencies"
        ]
    )
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    needs = {package["name"]: package for package in locked}["hatchling"]["dependencies"]

    names = {"hatchling", *(need["name"] for need in needs if "marker" not in need)}
    assert names == set(pinned)
    assert pinned == {one["name"]: one["version"] for one in locked if one["name"] in names}


def test_the_service_s_folder_has_no_source_and_no_git() -> None:
    """ASVS 5.0.0, 13.4.1: what is not there cannot be served or read by mistake."""
    (cloned,) = re.findall(r"git clone \S+ (\S+)", DEPLOYING)

    assert not cloned.startswith("/srv/threadlink")
    for page in ("deploying.md", "operations.md"):
        synced = re.findall(r"uv sync (--locked.*)", (ROOT / "docs" / page).read_text())
        assert synced
        assert all("--no-editable" in options for options in synced), page


def test_the_list_of_contents_has_what_is_installed_with_hashes(tmp_path: Path) -> None:
    """R114: `make sbom` and docs/licences.md name the same packages."""
    (command,) = re.findall(r"(?ms)^sbom:.*?\$\(UV\) (export.*?)--output-file", MAKEFILE)
    target = tmp_path / "sbom.json"
    uv = shutil.which("uv") or str(ROOT / ".venv/bin/uv")

    subprocess.run(  # noqa: S603 - the Makefile's own command
        [uv, *command.replace("\\\n", " ").split(), "--output-file", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    components = json.loads(target.read_text())["components"]
    assert set(TABLE) == {component["name"] for component in components}
    for component in components:
        hashes = [file["hashes"] for file in component["externalReferences"]]
        assert component["version"]
        assert hashes
        assert all("SHA-256" == one["alg"] for each in hashes for one in each)

"""The first stage of the image has all that the wheel needs, checked without a container engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.repository.test_packaging import ROOT, shipped


def test_the_image_is_built_of_what_the_wheel_needs(tmp_path: Path) -> None:
    """
    A folder that is not copied, or that .dockerignore excludes, is missing only at build time.
    """
    here = tmp_path / "stage"
    here.mkdir()
    passed = set(re.findall(r"(?m)^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8")))
    copied = {name for line in copies() for name in line.split()[:-1]}
    for name in passed & copied:
        copy(ROOT / name, here / name)

    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(  # noqa: S603 - our own build
        [*build, "--directory", str(tmp_path)], cwd=here, check=True, capture_output=True
    )

    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert shipped() == inside
    assert copied == passed


def copies() -> list[str]:
    """Return the arguments of each COPY in the first stage."""
    first = (ROOT / "Dockerfile").read_text("utf-8").split("\nFROM ")[1]
    return re.findall(r"(?m)^COPY (.+)$", first)


def copy(here: Path, there: Path) -> None:
    if here.is_dir():
        shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(here, there)

"""The overlays of docs/deploy/kubernetes, as kustomize renders them."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parents[2] / "docs/deploy/kubernetes"
OVERLAYS: Final = ("production", "trial")
KUBECTL: Final = Path(sys.executable).with_name("kubectl")


@cache
def rendered(overlay: str) -> str:
    """Return what `kubectl apply -k` would send; it asks no cluster."""
    command = [str(KUBECTL), "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert 0 == done.returncode, done.stderr
    assert not done.stderr
    return done.stdout


@cache
def resources(overlay: str) -> tuple[dict[str, Any], ...]:
    return (*yaml.safe_load_all(rendered(overlay)),)


def named(overlay: str, kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        each
        for each in resources(overlay)
        if (kind, name) == (each["kind"], each["metadata"]["name"])
    )
    return found


def pods(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the template of each pod with its owner's name."""
    for each in resources(overlay):
        if "template" in each.get("spec", {}):
            yield each["metadata"]["name"], each["spec"]["template"]

"""The Kubernetes manifests, as kustomize renders them, are valid and fit to the program."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from kubernetes_validate import utils

from app.cli.serve import serve
from app.cli.worker import worker
from tests.conftest import on_sqlite
from tests.deploy.manifests import FOLDER, OVERLAYS, named, pods, rendered, resources

# What Kubernetes supported in November 2026 (kubernetes.io/releases).
VERSIONS = ("1.35", "1.36", "1.37")
FOR_MONITORS = {"/metrics", "/readyz"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each schema once; the library reads all definitions anew for every resource."""
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))


@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(version: str) -> None:
    """A misspelt field is refused by the cluster, or worse, passed over."""
    known = {(each["kind"], each["metadata"]["name"]) for each in resources("production")}
    more = (
        each for each in resources("trial") if (each["kind"], each["metadata"]["name"]) not in known
    )

    for each in (*resources("production"), *more):
        assert version == utils.validate(each, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_namespace_of_the_overlay(overlay: str) -> None:
    names = {each["metadata"]["name"] for each in resources(overlay) if each["kind"] == "Namespace"}
    others = [each["metadata"] for each in resources(overlay) if each["kind"] != "Namespace"]

    assert names == {each["namespace"] for each in others}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_exists_and_no_secret_is_in_the_manifests(overlay: str) -> None:
    settings = named(overlay, "ConfigMap", "threadlink")["data"]
    known = set(re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8")))
    files = {name.removesuffix("_FILE") for name in settings if name.endswith("_FILE")}

    assert set() == {name.removesuffix("_FILE") for name in settings} - known
    assert {"DATABASE_URL", "SECRET_KEY", "APP_SECRET", "PAGE_ACCESS_TOKEN"} <= files
    assert set() == files & set(settings)
    assert "Secret" not in {each["kind"] for each in resources(overlay)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_files_of_settings_are_on_the_volume_of_the_secret(overlay: str) -> None:
    settings = named(overlay, "ConfigMap", "threadlink")["data"]
    paths = [Path(path) for name, path in settings.items() if name.endswith("_FILE")]

    for name, pod in pods(overlay):
        (container,) = pod["spec"]["containers"]
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        assert {Path(mounts["secrets"])} == {path.parent for path in paths}, name
        (volume,) = (one for one in pod["spec"]["volumes"] if one["name"] == "secrets")
        # Of root, read by the group of the pod.
        assert 0o440 == volume["secret"]["defaultMode"], name


@on_sqlite
def test_outside_every_page_is_reached_and_no_monitor_s_path(app: Flask) -> None:
    """/metrics and /readyz answer inside alone."""
    rule = named("production", "Ingress", "threadlink")["spec"]["rules"][0]
    paths = [(one["path"], one["pathType"]) for one in rule["http"]["paths"]]
    routes = {each.rule for each in app.url_map.iter_rules()}

    assert FOR_MONITORS <= routes
    assert FOR_MONITORS == {route for route in routes if not any(fits(route, *p) for p in paths)}


def fits(route: str, path: str, kind: str) -> bool:
    """Return whether *path* matches as the Ingress API says: whole, or by whole elements."""
    return route == path or (kind == "Prefix" and route.startswith(f"{path}/"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_roll_out_takes_no_pod_away_before_the_next_is_ready(overlay: str) -> None:
    server = named(overlay, "Deployment", "threadlink-server")["spec"]
    drain_s = int(named(overlay, "ConfigMap", "threadlink")["data"]["DRAIN_SECONDS"])
    pod = server["template"]["spec"]
    ready = pod["containers"][0]["readinessProbe"]

    assert 0 == server["strategy"]["rollingUpdate"]["maxUnavailable"]
    # Drained, with the requests in progress (R121), and not killed.
    assert pod["terminationGracePeriodSeconds"] >= drain_s + 25
    # By then each proxy has noticed.
    assert drain_s > ready["failureThreshold"] * (ready["periodSeconds"] + ready["timeoutSeconds"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_answers_there(overlay: str) -> None:
    """Liveness never asks the database: its absence is cured by no restart."""
    probes = {
        (name, kind): (probe["httpGet"]["path"], probe["httpGet"]["port"])
        for name, container in containers(overlay)
        for kind, probe in container.items()
        if kind.endswith("Probe") and "httpGet" in probe
    }

    assert probes == {
        ("threadlink-server", "startupProbe"): ("/healthz", "http"),
        ("threadlink-server", "livenessProbe"): ("/healthz", "http"),
        ("threadlink-server", "readinessProbe"): ("/readyz", "http"),
        ("threadlink-worker", "startupProbe"): ("/healthz", "metrics"),
        ("threadlink-worker", "livenessProbe"): ("/healthz", "metrics"),
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_run_commands_that_exist_on_the_ports_that_are_asked(overlay: str) -> None:
    commands = {"threadlink-server": serve, "threadlink-worker": worker}
    run = dict(containers(overlay))

    for name, command in commands.items():
        program, word, *options = run[name]["args"]
        (port,) = run[name]["ports"]
        told = command.make_context(word, options).params
        assert ("threadlink", command.name) == (program, word)
        assert port["containerPort"] in told.values()
        assert "0.0.0.0" in told.values()  # noqa: S104 - the pod's own address is what is asked
    assert ["threadlink", "db", "upgrade"] == run["threadlink-upgrade"]["args"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_choose_the_pods_of_their_own(overlay: str) -> None:
    """A service, a budget or a policy that chooses nothing says nothing."""
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(overlay)}

    for each in resources(overlay):
        name, spec = each["metadata"]["name"], each.get("spec", {})
        if each["kind"] == "Service":
            assert [name] == chosen(spec["selector"], labels)
        elif each["kind"] in {"Deployment", "StatefulSet", "PodDisruptionBudget"}:
            assert [name] == chosen(spec["selector"]["matchLabels"], labels)
        elif each["kind"] == "NetworkPolicy" and name in labels:
            assert [name] == chosen(spec["podSelector"]["matchLabels"], labels)


def test_what_the_cluster_does_not_need_to_reach_is_shut() -> None:
    (everything,) = (
        each["spec"]
        for each in resources("production")
        if (each["kind"], each["metadata"]["name"]) == ("NetworkPolicy", "threadlink")
    )
    (kinds,) = everything["podSelector"]["matchExpressions"]
    outside = everything["egress"][1]

    assert {"server", "worker", "upgrade"} == set(kinds["values"])
    assert ["Ingress", "Egress"] == everything["policyTypes"]
    assert "ingress" not in everything
    assert ["169.254.0.0/16"] == outside["to"][0]["ipBlock"]["except"]
    assert [443, 5432] == [one["port"] for one in outside["ports"]]


def test_the_sums_of_connections_are_right() -> None:
    """In the comments: with 16 connections and 4 in reserve for each process."""
    base, overlay = (
        (FOLDER / path).read_text(encoding="utf-8")
        for path in ("base/server.yaml", "overlays/production/kustomization.yaml")
    )

    assert connections(servers=2, workers=2) == said(base)
    assert connections(servers=replicas("server"), workers=replicas("worker")) == said(overlay)
    assert str(said(overlay)) in (ROOT / "docs/deploying.md").read_text(encoding="utf-8")


def test_the_image_is_named_by_its_digest() -> None:
    """A tag can be moved to another image."""
    images = re.findall(r"(?m)image: (\S+)$", rendered("production"))

    assert 3 == len(images)
    assert all(re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image) for image in images)


def containers(overlay: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, pod["spec"]["containers"][0]) for name, pod in pods(overlay)]


def chosen(selector: dict[str, str], labels: dict[str, dict[str, str]]) -> list[str]:
    return [name for name, own in labels.items() if selector.items() <= own.items()]


def replicas(which: str) -> int:
    spec = named("production", "Deployment", f"threadlink-{which}")["spec"]
    count: int = spec["replicas"] + spec["strategy"]["rollingUpdate"]["maxSurge"] - 1
    return count


def connections(*, servers: int, workers: int) -> int:
    processes = int(named("production", "ConfigMap", "threadlink")["data"]["WORKERS"])
    return (servers + 1) * processes * 20 + (workers + 1) * 20 + 1


def said(text: str) -> int:
    (total,) = re.findall(r"\+ 1 = (\d+)", text)
    return int(total)

"""compose.yaml fits to the program and to the configuration of its HAProxy."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.serve import serve
from app.cli.worker import worker
from tests.deploy.proxies import DEPLOY

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))[
    "services"
]
HAPROXY = DEPLOY / "haproxy-compose.cfg"


def test_haproxy_takes_its_file() -> None:
    path = os.environ.get("TEST_HAPROXY") or shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    if path is None:
        pytest.skip("no haproxy: apt-get install haproxy, or name one with TEST_HAPROXY")
    done = subprocess.run([path, "-c", "-f", str(HAPROXY)], capture_output=True, check=False)  # noqa: S603 - ours

    assert 0 == done.returncode, done.stderr


def test_haproxy_stands_before_the_two_servers() -> None:
    """By their names, on their port; asked whether each can serve."""
    text = HAPROXY.read_text(encoding="utf-8")
    targets = dict(re.findall(r"(?m)^    server \w+ (\w+):(\d+)$", text))
    servers = [name for name in SERVICES if name.startswith("server")]

    assert dict.fromkeys(servers, "8000") == targets
    assert "http-check send meth GET uri /readyz" in text
    assert SERVICES["haproxy"]["depends_on"] == servers
    assert str(HAPROXY.relative_to(ROOT)) in SERVICES["haproxy"]["volumes"][0]
    # It is no proxy that adds an address.
    assert "forwardfor" not in text
    assert "1" == SERVICES["server"]["environment"]["TRUSTED_PROXIES"]


def test_without_the_profile_there_is_one_server() -> None:
    always = {name for name, service in SERVICES.items() if "profiles" not in service}

    assert {"upgrade", "server", "worker", "postgres"} == always


def test_the_second_server_is_as_the_first() -> None:
    first, second = (
        {key: value for key, value in SERVICES[name].items() if key not in {"ports", "profiles"}}
        for name in ("server", "server2")
    )

    assert first == second


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert len(ports) == len({port.split(":")[1] for port in ports})
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_worker_is_asked_where_it_answers() -> None:
    """A worker without a check is shown as running, however it is."""
    service = SERVICES["worker"]
    _, word, *options = service["command"]
    port = worker.make_context(word, options).params["metrics_port"]

    assert worker.name == word
    assert f"http://127.0.0.1:{port}/healthz" in service["healthcheck"]["test"][-1]
    compile(service["healthcheck"]["test"][-1], "healthcheck", "exec")


@pytest.mark.parametrize("name", ["server", "server2", "worker"])
def test_a_container_has_the_time_to_finish_its_requests(name: str) -> None:
    """R121: 25 s."""
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > 25


def test_the_build_takes_extras_and_the_base_image() -> None:
    """So that telemetry needs no Dockerfile of one's own."""
    given = SERVICES["server"]["build"]["args"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    declared = set(re.findall(r"(?m)^ARG (\w+)=", dockerfile))

    assert set(given) == declared
    assert all("$EXTRAS" in line for line in re.findall(r"(?m)^RUN uv sync .*$", dockerfile))
    assert serve.name in re.findall(r"(?m)^CMD (.*)$", dockerfile)[-1]

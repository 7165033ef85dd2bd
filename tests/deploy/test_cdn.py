"""A CDN, played by nginx, before the shipped proxies before `threadlink serve`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.proxies import (
    ALL_COUNTED,
    Front,
    await_port,
    guesses,
    place_before,
    standing,
)
from tests.ports import free_port
from tests.shipped import Shipped

DEPLOYING: Final = Path(__file__).parents[2] / "docs/deploying.md"
# What the page says to write, and the line before which it belongs.
LINES: Final = {
    "nginx": (re.compile(r"    (set_real_ip_from .*\n)    (real_ip_header .*\n)"), "log_format "),
    "haproxy": (re.compile(r"    (http-request set-src .*\n)"), "    http-request track-sc1 "),
}
EDGE: Final = "127.0.0.3"
# Of the people before each, who come from this machine all the same.
NETWORKS: Final = {"nginx": 1, "haproxy": 2}
CDN: Final = """daemon off; pid {folder}/cdn.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; access_log off;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/fullchain.pem;
        ssl_certificate_key {folder}/privkey.pem;
        location / {{
            proxy_pass https://127.0.0.1:{behind};
            proxy_bind {edge};
            proxy_ssl_server_name on;
            proxy_ssl_name {name};
            proxy_set_header Host $http_host;
            proxy_set_header CF-Connecting-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without asking"
)


@pytest.fixture(scope="module", params=LINES)
def behind(
    server: Shipped, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Yield a shipped proxy with the lines that docs/deploying.md adds for a CDN."""
    form, before = LINES[request.param]
    found = form.search(DEPLOYING.read_text("utf-8"))
    assert found
    indent = " " * (len(before) - len(before.lstrip()))
    added = "".join(indent + line for line in found.groups()).replace("192.0.2.0/24", EDGE)
    folder = tmp_path_factory.mktemp(request.param)
    shipped = (Path(__file__).parents[2] / "docs/deploy").glob(f"{request.param}.*")
    first = next(
        line for line in next(shipped).read_text("utf-8").splitlines() if line.startswith(before)
    )
    changes = {first: f"{added}{first}"}
    with standing(request.param, place_before(server.port), folder, changes) as front:
        yield front


@pytest.fixture(scope="module")
def cdn(behind: Front) -> Iterator[Front]:
    """Yield the CDN, which has the proxy's certificate."""
    port, executable = free_port(), shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if executable is None:
        pytest.skip("no nginx: on Debian and Ubuntu apt-get install nginx")
    config = behind.folder / "cdn.conf"
    config.write_text(
        CDN.format(
            folder=behind.folder,
            port=port,
            behind=behind.place.https,
            edge=EDGE,
            name=behind.place.name,
        )
    )
    with subprocess.Popen(  # noqa: S603 - Debian's
        [executable, "-c", str(config), "-p", str(behind.folder)], stderr=subprocess.DEVNULL
    ) as process:
        try:
            await_port("127.0.0.1", port, process)
            yield Front("nginx", replace(behind.place, https=port), behind.folder, process)
        finally:
            process.terminate()


def test_two_people_behind_one_edge_are_counted_apart(cdn: Front, behind: Front) -> None:
    """R61, R86: else one stranger with invented keys refuses everybody behind that edge."""
    ana, ben = f"127.{NETWORKS[behind.program]}.1.7", f"127.{NETWORKS[behind.program]}.2.7"

    assert ALL_COUNTED == guesses(cdn, ana)
    assert [401] == guesses(cdn, ben, 1)


def test_who_comes_past_the_cdn_is_not_believed(behind: Front, server: Shipped) -> None:
    """R86: only the CDN's own addresses may name another."""
    source = f"127.{NETWORKS[behind.program]}.3.7"

    assert ALL_COUNTED == guesses(behind, source)
    assert "203.0." not in server.log.read_text("utf-8")

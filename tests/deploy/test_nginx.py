"""docs/deploy/nginx.conf, run by a real nginx before a real server."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from sqlalchemy import URL
from werkzeug.serving import BaseWSGIServer, make_server

from app import create_app
from app.services import Services, build
from tests.actors import log_in
from tests.deploy.conftest import NGINX
from tests.installation import settings_for

CONF: Final = Path(__file__).parents[2] / "docs/deploy/nginx.conf"
NAME: Final = "shop.example"
MAIN: Final = """daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/threadlink.conf;
}}
"""


@dataclass
class Recorder:
    """What stands behind nginx: the server, and a note of what nginx told it."""

    app: Any
    told: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, environ: Any, start: Any) -> Any:
        names = (name for name in environ if name.startswith("HTTP_"))
        self.told.append({name: environ[name] for name in names})
        return self.app(environ, start)


@dataclass(frozen=True, slots=True)
class Front:
    """nginx, listening for https at *port* and for http at *plain_port*."""

    port: int
    plain_port: int
    folder: Path
    server: BaseWSGIServer
    recorder: Recorder

    def asks(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask as a browser that has looked up the name."""
        headers = {"Host": NAME, **more.pop("headers", {})}
        url = f"https://127.0.0.1:{self.port}{path}"
        return requests.request(
            method,
            url,
            headers=headers,
            verify=False,  # noqa: S501 - the certificate is of this test
            allow_redirects=False,
            timeout=10,
            **more,
        )

    def logs(self) -> str:
        return "".join(path.read_text("utf-8") for path in self.folder.glob("*.log"))


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(
        settings_for(
            database,
            PUBLIC_URL=f"https://{NAME}",
            TRUSTED_PROXIES="1",
            METRICS_TOKEN="canary-metrics-token",
        )
    )
    yield services
    services.close()


@pytest.fixture
def front(services: Services, tmp_path: Path) -> Iterator[Front]:
    recorder = Recorder(create_app(services))
    server = make_server("127.0.0.1", 0, recorder, threaded=True)
    server.log = lambda *_said: None  # type: ignore[method-assign]  # a server of the test, quiet
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    port, plain_port = free_port(), free_port()
    make_certificate(tmp_path)
    text = CONF.read_text(encoding="utf-8")
    for shipped, here in {
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "127.0.0.1:8000;": f"127.0.0.1:{server.server_port};",
        "/etc/letsencrypt/live/shop.example": str(tmp_path),
        "/var/log/nginx": str(tmp_path),
    }.items():
        assert shipped in text
        text = text.replace(shipped, here)
    (tmp_path / "threadlink.conf").write_text(text, encoding="utf-8")
    main = tmp_path / "nginx.conf"
    main.write_text(MAIN.format(folder=tmp_path), encoding="utf-8")
    assert NGINX
    with subprocess.Popen([NGINX, "-c", str(main), "-p", str(tmp_path)]) as nginx:  # noqa: S603 - Debian's
        await_port(port, nginx)
        yield Front(port, plain_port, tmp_path, server, recorder)
        nginx.terminate()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
class TestBehindNginx:
    def test_https_is_seen_and_every_header_arrives(self, front: Front) -> None:
        """
        R72-R79 hold for what leaves the proxy, not only for what leaves the server.
        """
        answer = front.asks("GET", "/")

        assert 200 == answer.status_code
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "nginx" == answer.headers["Server"]

    def test_nobody_can_say_who_he_is_but_nginx(self, front: Front) -> None:
        """
        R86: what a client claims about its address never reaches the server.
        """
        lies = {
            "X-Forwarded-For": "203.0.113.7",
            "X_Forwarded_For": "203.0.113.8",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
            "Forwarded": "for=203.0.113.9",
        }

        front.asks("GET", "/", headers=lies)

        (told,) = front.recorder.told
        assert ("127.0.0.1", "https") == (
            told["HTTP_X_FORWARDED_FOR"],
            told["HTTP_X_FORWARDED_PROTO"],
        )
        assert NAME == told["HTTP_HOST"]
        assert {"HTTP_FORWARDED", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PREFIX"}.isdisjoint(
            told
        )

    def test_no_log_holds_a_token(self, front: Front) -> None:
        """
        Nginx's own formats write the query, and its error log the whole request line.
        """
        login = log_in()
        assert 303 == front.asks("GET", login.address()).status_code
        front.server.shutdown()
        front.server.server_close()

        assert 502 == front.asks("GET", login.address()).status_code

        assert "GET /authorize 303" in front.logs()
        assert login.account_linking_token not in front.logs()

    def test_a_body_beyond_the_limit_goes_no_further(self, front: Front) -> None:
        answer = front.asks("POST", "/webhook", data=b"x" * (4 * 1024 * 1024 + 1))

        assert 413 == answer.status_code
        assert [] == front.recorder.told

    def test_plain_http_is_sent_to_https(self, front: Front) -> None:
        answer = requests.get(
            f"http://127.0.0.1:{front.plain_port}/x",
            headers={"Host": NAME},
            allow_redirects=False,
            timeout=10,
        )

        assert (301, f"https://{NAME}/x") == (answer.status_code, answer.headers["Location"])
        assert [] == front.recorder.told

    def test_metrics_are_not_for_the_internet(self, front: Front) -> None:
        bearer = {"Authorization": "Bearer canary-metrics-token"}

        assert 404 == front.asks("GET", "/metrics", headers=bearer).status_code
        assert [] == front.recorder.told


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def await_port(port: int, nginx: subprocess.Popen[bytes]) -> None:
    while nginx.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("nginx did not start")


def make_certificate(folder: Path) -> None:
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={NAME}", "-keyout", str(folder / "privkey.pem")),
            *("-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )

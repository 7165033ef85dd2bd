"""nginx and Caddy, as Debian ships them and docs/deploy configures them, before a real server."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from werkzeug.serving import BaseWSGIServer, make_server

from tests.ports import free_port

DEPLOY: Final = Path(__file__).parents[2] / "docs/deploy"
NAME: Final = "shop.example"
NGINX_MAIN: Final = """daemon off; pid {folder}/nginx.pid; error_log stderr crit;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/threadlink.conf;
}}
"""
CADDY_HERE: Final = """{{
	admin off
	http_port {plain_port}
	https_port {port}
	default_bind 127.0.0.1
	storage file_system {folder}/store
"""


@dataclass
class Recorder:
    """The application behind the proxy; records the environment that the proxy gives it."""

    app: Flask
    told: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, environ: Any, start: Any) -> Any:
        names = (name for name in environ if name.startswith("HTTP_"))
        self.told.append({name: environ[name] for name in names})
        return self.app(environ, start)


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that listens for https at *port* and for http at *plain_port*."""

    program: str
    port: int
    plain_port: int
    folder: Path
    server: BaseWSGIServer
    recorder: Recorder
    process: subprocess.Popen[bytes]

    def asks(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request as a browser that resolves the name and trusts the certificate."""
        headers = {"Host": NAME, **more.pop("headers", {})}
        with requests.Session() as session:
            session.mount("https://", _ByName())
            return session.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers=headers,
                verify=str(self.folder / "fullchain.pem"),
                allow_redirects=False,
                timeout=10,
                **more,
            )

    def is_told_of(self, *, body_bytes: int) -> int:
        """Declare a body for the webhook, send none of it, and return the status of the answer."""
        tls = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            tls.wrap_socket(plain, server_hostname=NAME) as connection,
        ):
            head = f"POST /webhook HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {body_bytes}"
            connection.sendall(f"{head}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status

    def stops_the_server(self) -> None:
        """Stop the server behind the proxy."""
        self.server.shutdown()
        self.server.server_close()

    def logs(self) -> str:
        """Stop the proxy and return everything that it has logged."""
        self.process.terminate()
        self.process.wait(10)
        return "".join(path.read_text("utf-8") for path in self.folder.glob("*.log"))


class Ports(NamedTuple):
    """The ports of the server, and of the proxy for https and http."""

    server: int
    https: int
    http: int


class _ByName(HTTPAdapter):
    """Sends the host name in the TLS handshake (SNI), as every browser does."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, server_hostname=NAME, assert_hostname=NAME, **kwargs)


@contextmanager
def standing(program: str, app: Flask, folder: Path) -> Iterator[Front]:
    """Yield *program*, nginx or caddy, before *app*; skip the test if it is not installed."""
    executable = os.environ.get(f"TEST_{program.upper()}") or shutil.which(
        program, path="/usr/sbin:/usr/bin"
    )
    if executable is None:
        pytest.skip(
            f"no {program}: on Debian and Ubuntu apt-get install {program}, "
            f"elsewhere name one with TEST_{program.upper()}=/path/to/it"
        )
    _make_certificate(folder)
    recorder = Recorder(app)
    with _listening(recorder) as server:
        ports = Ports(server.server_port, free_port(), free_port())
        options = {"nginx": _nginx, "caddy": _caddy}[program](ports, folder)
        # Otherwise Caddy writes a copy of its configuration to the home directory.
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
        with (
            (folder / "stderr.log").open("wb") as stderr,
            subprocess.Popen([executable, *options], stderr=stderr, env=environment) as process,  # noqa: S603 - Debian's
        ):
            # Caddy opens one port after the other.
            _await_port(ports.https, process)
            _await_port(ports.http, process)
            yield Front(program, ports.https, ports.http, folder, server, recorder, process)
            process.terminate()


@contextmanager
def _listening(recorder: Recorder) -> Iterator[BaseWSGIServer]:
    server = make_server("127.0.0.1", 0, recorder, threaded=True)
    server.log = lambda *_said: None  # type: ignore[method-assign]  # no output in tests
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _nginx(ports: Ports, folder: Path) -> tuple[str, ...]:
    """Write the shipped configuration with other ports and folders."""
    text = _as_shipped(
        "nginx.conf",
        {
            "listen 80;": f"listen 127.0.0.1:{ports.http};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{ports.https} ssl http2;",
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "127.0.0.1:8000;": f"127.0.0.1:{ports.server};",
            f"/etc/letsencrypt/live/{NAME}": str(folder),
            "/var/log/nginx": str(folder),
        },
    )
    (folder / "threadlink.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(NGINX_MAIN.format(folder=folder), encoding="utf-8")
    return ("-c", str(main), "-p", str(folder))


def _caddy(ports: Ports, folder: Path) -> tuple[str, ...]:
    """Write the shipped configuration with other ports and a certificate."""
    here = CADDY_HERE.format(plain_port=ports.http, port=ports.https, folder=folder)
    certificate = f"{folder}/fullchain.pem {folder}/privkey.pem"
    text = _as_shipped(
        "Caddyfile",
        {
            "\n{\n": f"\n{here}",
            f"\n{NAME} {{\n": f"\n{NAME} {{\n\ttls {certificate}\n",
            "127.0.0.1:8000 ": f"127.0.0.1:{ports.server} ",
        },
    )
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ("run", "--config", str(folder / "Caddyfile"))


def _as_shipped(file: str, changes: Mapping[str, str]) -> str:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    for shipped, here in changes.items():
        assert shipped in text
        text = text.replace(shipped, here)
    return text


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("the proxy did not start")


def _make_certificate(folder: Path) -> None:
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )

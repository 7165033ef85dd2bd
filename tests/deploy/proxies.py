"""nginx, Caddy and HAProxy, as Debian ships them and docs/deploy configures them."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.actors import Messenger
from tests.browsers import Answer
from tests.ports import free_port
from tests.shipped import RawAnswer, answers_on

DEPLOY: Final = Path(__file__).parents[2] / "docs/deploy"
NAME: Final = "shop.example"
PROGRAMS: Final = ("nginx", "caddy", "haproxy")
PATIENCE_SECONDS: Final = 30
NGINX_MAIN: Final = """daemon off; pid {folder}/nginx.pid; error_log stderr crit;
worker_processes 1;
events {{ worker_connections 256; }}
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


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that listens for https at *port* and for http at *plain_port*."""

    program: str
    port: int
    plain_port: int
    folder: Path
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
                timeout=PATIENCE_SECONDS,
                **more,
            )

    def asks_in_clear(self, path: str, **headers: str) -> requests.Response:
        """Send a GET over plain http."""
        return requests.get(
            f"http://127.0.0.1:{self.plain_port}{path}",
            headers={"Host": NAME, **headers},
            allow_redirects=False,
            timeout=PATIENCE_SECONDS,
        )

    def connect(self, tls: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Return a connection by *tls*, or by what Python offers by default."""
        tls = tls or ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        return tls.wrap_socket(plain, server_hostname=NAME)

    def answers_to(self, raw: bytes) -> list[RawAnswer]:
        """Send the bytes *raw* on one connection, and return all answers until it is closed."""
        with self.connect() as connection:
            # The proxy may refuse the beginning and close; its answer can still be read.
            with suppress(ConnectionError, ssl.SSLError):
                connection.sendall(raw)
            return answers_on(connection)

    def messenger(self) -> Messenger:
        """Return Messenger, whose deliveries take their way through this proxy."""
        return Messenger(self._browse)

    def _browse(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = self.asks(method, address, data=body, headers=dict(headers or {}))
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, named, answer.content)

    def logs(self) -> str:
        """Stop the proxy and return everything that it has logged."""
        # HAProxy drops what it has still to log, unless it may end its work.
        stop = signal.SIGUSR1 if self.program == "haproxy" else signal.SIGTERM
        self.process.send_signal(stop)
        self.process.wait(PATIENCE_SECONDS)
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
def standing(
    program: str, server_port: int, folder: Path, changes: Mapping[str, str] | None = None
) -> Iterator[Front]:
    """Yield *program*, one of PROGRAMS, before the server at *server_port*.

    *changes* are texts of its configuration to be replaced. Without the program the test is
    skipped.
    """
    executable = os.environ.get(f"TEST_{program.upper()}") or shutil.which(
        program, path="/usr/sbin:/usr/bin"
    )
    if executable is None:
        pytest.skip(
            f"no {program}: on Debian and Ubuntu apt-get install {program}, "
            f"elsewhere name one with TEST_{program.upper()}=/path/to/it"
        )
    _make_certificate(folder)
    ports = Ports(server_port, free_port(), free_port())
    configure = {"nginx": _nginx, "caddy": _caddy, "haproxy": _haproxy}[program]
    options = configure(ports, folder, changes or {})
    # Otherwise Caddy writes a copy of its configuration to the home directory.
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
    with (
        (folder / "output.log").open("wb") as output,
        subprocess.Popen(  # noqa: S603 - Debian's
            [executable, *options], stdout=output, stderr=output, env=environment
        ) as process,
    ):
        try:
            # Caddy opens one port after the other.
            _await_port(ports.https, process)
            _await_port(ports.http, process)
            yield Front(program, ports.https, ports.http, folder, process)
        finally:
            process.terminate()


def _nginx(ports: Ports, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
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
            **changes,
        },
    )
    (folder / "threadlink.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(NGINX_MAIN.format(folder=folder), encoding="utf-8")
    return ("-c", str(main), "-p", str(folder))


def _caddy(ports: Ports, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Write the shipped configuration with other ports and a certificate."""
    here = CADDY_HERE.format(plain_port=ports.http, port=ports.https, folder=folder)
    certificate = f"{folder}/fullchain.pem {folder}/privkey.pem"
    text = _as_shipped(
        "Caddyfile",
        {
            "\n{\n": f"\n{here}",
            f"\n{NAME} {{\n": f"\n{NAME} {{\n\ttls {certificate}\n",
            "127.0.0.1:8000 {": f"127.0.0.1:{ports.server} {{",
            **changes,
        },
    )
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ("run", "--config", str(folder / "Caddyfile"))


def _haproxy(ports: Ports, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Write the shipped configuration with other ports, and without what only root may."""
    certificates = folder / "certificates"
    certificates.mkdir()
    pem = "".join((folder / name).read_text() for name in ("fullchain.pem", "privkey.pem"))
    (certificates / f"{NAME}.pem").write_text(pem)
    text = _as_shipped(
        "haproxy.cfg",
        {
            "log /dev/log local0": "log stdout format raw local0",
            "    chroot /var/lib/haproxy\n    user haproxy\n    group haproxy\n": "",
            "bind :::80 v4v6": f"bind 127.0.0.1:{ports.http}",
            "bind :::443 v4v6": f"bind 127.0.0.1:{ports.https}",
            "/etc/haproxy/certs/": f"{certificates}/",
            "127.0.0.1:8000": f"127.0.0.1:{ports.server}",
            **changes,
        },
    )
    (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
    return ("-f", str(folder / "haproxy.cfg"))


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

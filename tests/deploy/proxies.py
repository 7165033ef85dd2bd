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
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.actors import Messenger
from tests.browsers import Answer, Browser
from tests.ports import free_port
from tests.shipped import RawAnswer, answers_on

DEPLOY: Final = Path(__file__).parents[2] / "docs/deploy"
NAME: Final = "shop.example"
PROGRAMS: Final = ("nginx", "caddy", "haproxy")
PATIENCE_SECONDS: Final = 30
# What `guesses` are answered where none of the addresses that they make up is believed.
ALL_COUNTED: Final = [401] * 20 + [429]
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
	default_bind {bind}
	storage file_system {folder}/store
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proxy listens, by which name it is asked, and where the server is."""

    server: str
    https: int
    http: int
    name: str = NAME
    address: str = "127.0.0.1"
    # As browsers write the port of PUBLIC_URL; the others are as if they were the usual ones.
    shown_port: str = ""

    @property
    def host(self) -> str:
        """The value of the Host header."""
        return f"{self.name}{self.shown_port}"

    @property
    def bind(self) -> str:
        """The address as it stands before a port."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that listens at *place*."""

    program: str
    place: Place
    folder: Path
    process: subprocess.Popen[bytes]

    def asks(self, method: str, path: str, *, source: str = "", **more: Any) -> requests.Response:
        """Send a request as a browser that resolves the name and trusts the certificate."""
        with self.session(source) as session:
            return self.asks_again(session, method, path, **more)

    def session(self, source: str = "") -> requests.Session:
        """Return a session whose connections come from the address *source*."""
        session = requests.Session()
        session.mount("https://", _ByName(self.place.name, source))
        return session

    def asks_again(
        self, session: requests.Session, method: str, path: str, **more: Any
    ) -> requests.Response:
        """Send a request on a connection of *session*."""
        headers = {"Host": self.place.host, **more.pop("headers", {})}
        return session.request(
            method,
            f"https://{self.place.bind}:{self.place.https}{path}",
            headers=headers,
            verify=str(self.folder / "fullchain.pem"),
            allow_redirects=False,
            timeout=PATIENCE_SECONDS,
            **more,
        )

    def asks_in_clear(self, path: str, **headers: str) -> requests.Response:
        """Send a GET over plain http."""
        return requests.get(
            f"http://{self.place.bind}:{self.place.http}{path}",
            headers={"Host": self.place.host, **headers},
            allow_redirects=False,
            timeout=PATIENCE_SECONDS,
        )

    def connect(self, tls: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Return a connection by *tls*, or by what Python offers by default."""
        tls = tls or ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        plain = socket.create_connection(
            (self.place.address, self.place.https), timeout=PATIENCE_SECONDS
        )
        return tls.wrap_socket(plain, server_hostname=self.place.name)

    def answer_to(self, raw: bytes) -> RawAnswer:
        """Send the bytes *raw* and return the first answer: nginx waits 5 s before it closes."""
        with self.connect() as connection:
            with suppress(ConnectionError, ssl.SSLError):
                connection.sendall(raw)
            answer = HTTPResponse(connection)
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return RawAnswer(answer.status, headers, answer.read())

    def answers_to(self, raw: bytes) -> list[RawAnswer]:
        """Send the bytes *raw* on one connection, and return all answers until it is closed."""
        with self.connect() as connection:
            # The proxy may refuse the beginning and close; its answer can still be read.
            with suppress(ConnectionError, ssl.SSLError):
                connection.sendall(raw)
            return answers_on(connection)

    def messenger(self, certificate: Path | None = None) -> Messenger:
        """Return Messenger, whose deliveries come through this proxy, with its *certificate*."""
        return Messenger(self.browser(certificate))

    def browser(self, certificate: Path | None = None) -> Browser:
        """Return a program that asks through this proxy and keeps its connection."""
        session = self.session()
        session.cert = str(certificate) if certificate else None

        def browse(
            method: str,
            address: str,
            *,
            body: Mapping[str, str] | bytes | None = None,
            headers: Mapping[str, str] | None = None,
        ) -> Answer:
            given = dict(headers or {})
            answer = self.asks_again(session, method, address, data=body, headers=given)
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status_code, named, answer.content)

        return browse

    def logs(self) -> str:
        """Stop the proxy and return everything that it has logged."""
        # HAProxy drops what it has still to log, unless it may end its work.
        stop = signal.SIGUSR1 if self.program == "haproxy" else signal.SIGTERM
        self.process.send_signal(stop)
        self.process.wait(PATIENCE_SECONDS)
        return "".join(path.read_text("utf-8") for path in self.folder.glob("*.log"))


class _ByName(HTTPAdapter):
    """Sends the host name in the TLS handshake (SNI), as every browser does, from *source*."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, (source, 0) if source else None
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"server_hostname": self._name, "assert_hostname": self._name}
        super().init_poolmanager(*args, source_address=self._source, **kwargs)


def guesses(front: Front, source: str, count: int = len(ALL_COUNTED)) -> list[int]:
    """Return the answers to invented API keys that come from *source*.

    Each claims to come from another address, by every header that could be believed.
    """
    with front.session(source) as session:
        return [
            front.asks_again(session, "GET", "/api/v1/links", headers=_lies(number)).status_code
            for number in range(count)
        ]


def _lies(number: int) -> dict[str, str]:
    made_up = f"203.0.{number}.7"
    return {
        "Authorization": "Bearer tlk_wrong",
        "CF-Connecting-IP": made_up,
        "X-Forwarded-For": made_up,
        "X-Forwarded-Proto": "https",
        "Forwarded": f"for={made_up};proto=https",
    }


def place_before(server_port: int) -> Place:
    """Return the place of a proxy at its usual name and address."""
    return Place(f"127.0.0.1:{server_port}", free_port(), free_port())


@contextmanager
def standing(
    program: str,
    server: int | Place,
    folder: Path,
    changes: Mapping[str, str] | None = None,
) -> Iterator[Front]:
    """Yield *program*, one of PROGRAMS, before the *server*: its port, or a whole place.

    *changes* are texts of its configuration to be replaced. Without the program the test is
    skipped.
    """
    place = place_before(server) if isinstance(server, int) else server
    executable = os.environ.get(f"TEST_{program.upper()}") or shutil.which(
        program, path="/usr/sbin:/usr/bin"
    )
    if executable is None:
        pytest.skip(
            f"no {program}: on Debian and Ubuntu apt-get install {program}, "
            f"elsewhere name one with TEST_{program.upper()}=/path/to/it"
        )
    _make_certificate(folder, place.name)
    configure = {"nginx": _nginx, "caddy": _caddy, "haproxy": _haproxy}[program]
    options = configure(place, folder, changes or {})
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
            await_port(place.address, place.https, process)
            await_port(place.address, place.http, process)
            yield Front(program, place, folder, process)
        finally:
            process.terminate()


def _nginx(place: Place, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Write the shipped configuration with other ports and folders."""
    text = _as_shipped(
        "nginx.conf",
        place,
        {
            "listen 80;": f"listen {place.bind}:{place.http};",
            "listen 443 ssl http2;": f"listen {place.bind}:{place.https} ssl http2;",
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "server 127.0.0.1:8000 ": f"server {place.server} ",
            f"/etc/letsencrypt/live/{NAME}": str(folder),
            "/var/log/nginx": str(folder),
            **changes,
        },
    )
    (folder / "threadlink.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(NGINX_MAIN.format(folder=folder), encoding="utf-8")
    return ("-c", str(main), "-p", str(folder))


def _caddy(place: Place, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Write the shipped configuration with other ports and a certificate."""
    here = CADDY_HERE.format(
        plain_port=place.http, port=place.https, folder=folder, bind=place.bind
    )
    certificate = f"{folder}/fullchain.pem {folder}/privkey.pem"
    text = _as_shipped(
        "Caddyfile",
        place,
        {
            "\n{\n": f"\n{here}",
            f"\n{NAME} {{\n": f"\n{NAME} {{\n\ttls {certificate}\n",
            "127.0.0.1:8000 {": f"{place.server} {{",
            **changes,
        },
    )
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ("run", "--config", str(folder / "Caddyfile"))


def _haproxy(place: Place, folder: Path, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Write the shipped configuration with other ports, and without what only root may."""
    certificates = folder / "certificates"
    certificates.mkdir()
    pem = "".join((folder / name).read_text() for name in ("fullchain.pem", "privkey.pem"))
    (certificates / f"{place.name}.pem").write_text(pem)
    text = _as_shipped(
        "haproxy.cfg",
        place,
        {
            "log /dev/log local0": "log stdout format raw local0",
            "    chroot /var/lib/haproxy\n    user haproxy\n    group haproxy\n": "",
            "bind :::80 v4v6": f"bind {place.address}:{place.http}",
            "bind :::443 v4v6": f"bind {place.address}:{place.https}",
            "/etc/haproxy/certs/": f"{certificates}/",
            "server one 127.0.0.1:8000": f"server one {place.server}",
            **changes,
        },
    )
    (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
    return ("-f", str(folder / "haproxy.cfg"))


def _as_shipped(file: str, place: Place, changes: Mapping[str, str]) -> str:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    for shipped, here in changes.items():
        assert shipped in text
        text = text.replace(shipped, here)
    # As docs/deploying.md has it: the name everywhere, an unusual port in the redirect.
    return text.replace(f"https://{NAME}", f"https://{place.host}").replace(NAME, place.name)


def await_port(address: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until *process* listens."""
    while process.poll() is None:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("the proxy did not start")


def _make_certificate(folder: Path, name: str) -> None:
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )

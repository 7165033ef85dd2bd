"""Servers of NATS as their project ships them, with JetStream, on this machine."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import nats
from nats.aio.client import Client

from app.delivery_log.nats_stream import StreamNotMade, create_stream
from app.infra.network.egress import DIRECT
from app.infra.settings.nats_url import nats_address
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT
from tests.ports import free_port

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60
RETENTION: Final = settings_from_env({**ENVIRONMENT, "KEEP_DELIVERIES_MIB": "8"}).retention


class NatsServer:
    """One server, which can be killed and started again on the same ports and disk."""

    def __init__(self, name: str, folder: Path, config: str, port: int) -> None:
        self.name, self.port = name, port
        self._folder, self._config = folder, folder / f"{name}.conf"
        self._config.write_text(config)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        program = Path(sys.executable).with_name("nats-server")
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the server of the test's own
                [program, "-c", self._config], stdout=log, stderr=log, env=environment
            )

    def wait_until_it_listens(self) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while self.process and self.process.poll() is None and time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS).close()
            except ConnectionRefusedError:
                time.sleep(0.02)
            else:
                return
        said = (self._folder / f"{self.name}.log").read_text()
        raise RuntimeError(f"the NATS server did not start: {said}")

    def send(self, number: signal.Signals) -> None:
        """Send the signal *number*: SIGKILL ends it, SIGSTOP freezes it."""
        assert self.process is not None
        self.process.send_signal(number)
        if number is signal.SIGKILL:
            self.process.wait(PATIENCE_SECONDS)
        if number is signal.SIGSTOP:
            # Until all its threads have stopped.
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Stored:
    """One message of the stream."""

    subject: str
    headers: Mapping[str, str]
    body: bytes


class Cluster:
    """One server, or several that are a cluster; *login* stands before the @ of their address."""

    def __init__(
        self, servers: Sequence[NatsServer], login: str = "", stream: str = "messenger"
    ) -> None:
        self.servers, self._login, self._stream = servers, login, stream

    @property
    def url(self) -> str:
        """The address for BOT_MESSENGER_URL."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"nats://{self._login}{hosts}/{self._stream}"

    def with_stream_of_its_own(self) -> "Cluster":
        """Make another stream there, and return the cluster with that."""
        other = Cluster(self.servers, self._login, f"s-{secrets.token_hex(6)}")
        other.create_stream()
        return other

    def create_stream(self) -> None:
        """Make the stream as `threadlink stream create` does, once the servers have a leader."""
        limit = time.monotonic() + PATIENCE_SECONDS
        address = nats_address(self.url)
        while True:
            try:
                create_stream(address, DIRECT, replicas=len(self.servers), retention=RETENTION)
            except StreamNotMade:
                # Nobody announces that a cluster has elected who may make streams.
                assert time.monotonic() < limit
                time.sleep(0.1)
            else:
                return

    def stored(self) -> list[Stored]:
        """Return all messages that are in the stream now, and leave them there."""
        return self.run(partial(_stored, self._stream))

    def leader(self) -> NatsServer:
        """Return the server that leads the stream."""

        async def ask(client: Client) -> str:
            info = await client.jetstream().stream_info(self._stream)
            return (info.cluster and info.cluster.leader) or ""

        name = self.run(ask)
        return next(server for server in self.servers if server.name == name)

    def run(self, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """Return what *work* returns of a client, run in a thread of its own."""

        async def connected() -> T:
            client = await nats.connect([*nats_address(self.url).servers], **_login(self._login))
            try:
                return await work(client)
            finally:
                await client.close()

        # A browser's loop may be running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, connected()).result()


@contextmanager
def running(count: int = 1, *, login: str = "", more: str = "") -> Iterator[Cluster]:
    """Yield *count* servers that answer; *more* are lines of their configuration."""
    ports = [free_port() for _ in range(count)]
    routes = [free_port() for _ in range(count)]
    peers = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    with tempfile.TemporaryDirectory(prefix="threadlink-nats-") as name:
        folder = Path(name)
        servers = []
        for number, (port, route) in enumerate(zip(ports, routes, strict=True)):
            config = [
                f'server_name: "nats-{number}"',
                f'listen: "127.0.0.1:{port}"',
                f'jetstream {{ store_dir: "{folder}/{number}", max_file_store: 1GB }}',
                more,
            ]
            if count > 1:
                cluster = f'name: "tests", listen: "127.0.0.1:{route}", routes: [{peers}]'
                config.append(f"cluster {{ {cluster} }}")
            servers.append(NatsServer(f"nats-{number}", folder, "\n".join(config), port))
        try:
            for server in servers:
                server.start()
            for server in servers:
                server.wait_until_it_listens()
            yield Cluster(servers, login)
        finally:
            for server in servers:
                server.stop()


async def _stored(name: str, client: Client) -> list[Stored]:
    stream = client.jetstream()
    state = (await stream.stream_info(name)).state
    found = []
    for number in range(state.first_seq, state.last_seq + 1 if state.messages else 0):
        message = await stream.get_msg(name, number)
        found.append(Stored(message.subject or "", message.headers or {}, message.data or b""))
    return found


def _login(text: str) -> dict[str, str]:
    user, _, password = text.rstrip("@").partition(":")
    return {"user": user, "password": password} if text else {}

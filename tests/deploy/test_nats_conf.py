"""docs/deploy/nats.conf, as it is but for its ports and folder, on three servers."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import nats
from nats.aio.client import Client
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.services.container import build
from tests.actors import Messenger, delivery, message
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, PUBLIC_URL, settings_for
from tests.nats_cluster import Cluster, NatsServer
from tests.ports import free_port

CONFIG: Final = Path(__file__).parents[2] / "docs" / "deploy" / "nats.conf"
USERS: Final = ("threadlink", "bot", "operator")


@on_sqlite
def test_threadlink_may_write_and_the_bot_may_read_and_neither_more(
    database: URL, tmp_path: Path
) -> None:
    """Least rights: who has the password of one of them has not those of the other."""
    content = delivery(message(ANA, "hi", clock.now()))
    with running(tmp_path) as servers:
        threadlink, bot, operator = (Cluster(servers, f"{user}:of-{user}@") for user in USERS)
        operator.create_stream()
        built = build(settings_for(database, BOT_MESSENGER_URL=threadlink.url), limit_seconds=60)
        answer = Messenger(InProcess(create_app(built), PUBLIC_URL)).posts(content)
        assert built.delivery_log
        state = built.delivery_log.look(within=60)
        built.close()
        assert (200, None, 3) == (answer.status, state.reason, state.replicas)
        assert not threadlink.run(may_read)
        assert not bot.run(may_write)
        assert [content] == bot.run(read)


async def may_read(client: Client) -> bool:
    try:
        stream = client.jetstream(timeout=0.3)
        await stream.pull_subscribe("messenger.>", "other", stream="messenger")
    except nats.errors.Error:
        return False
    return True


async def may_write(client: Client) -> bool:
    try:
        await client.jetstream().publish("messenger.1", b"{}", timeout=0.3)
    except nats.errors.Error:
        return False
    return True


async def read(client: Client) -> list[bytes]:
    stream = client.jetstream(timeout=30)
    reader = await stream.pull_subscribe("messenger.>", "bot", stream="messenger")
    messages = await reader.fetch(1, timeout=30)
    for each in messages:
        await each.ack_sync()
    return [each.data for each in messages]


@contextmanager
def running(folder: Path) -> Iterator[list[NatsServer]]:
    ports, routes = ([free_port() for _ in range(3)] for _ in range(2))
    text = CONFIG.read_text()
    for number, route in enumerate(routes, start=1):
        text = text.replace(f"nats-{number}:6222", f"127.0.0.1:{route}")
    servers = []
    for number, (port, route) in enumerate(zip(ports, routes, strict=True), start=1):
        own = re.sub(r"server_name: .*", f"server_name: nats-{number}", text)
        own = own.replace("0.0.0.0:4222", f"127.0.0.1:{port}")
        own = own.replace("0.0.0.0:6222", f"127.0.0.1:{route}")
        own = own.replace("/var/lib/nats", str(folder / str(number)))
        passwords = {f"{user.upper()}_PASSWORD": f"of-{user}" for user in USERS}
        server = NatsServer(f"nats-{number}", folder, own, port)
        servers.append(server)
        server.start(**os.environ, **passwords)
    try:
        for server in servers:
            server.wait_until_it_listens()
        yield servers
    finally:
        for server in servers:
            server.stop()

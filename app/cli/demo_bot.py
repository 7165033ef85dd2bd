"""The demo's bot: examples/bot, served as it would be beside any installation."""

import os
import runpy
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from werkzeug.serving import make_server

from app.cli.serving import Handler
from app.infra.resources import shipped


@contextmanager
def running(listener: socket.socket, settings: Mapping[str, str]) -> Iterator[None]:
    """Serve the bot on *listener*, with *settings* alone, until the block ends."""
    host, port = listener.getsockname()[:2]
    # Otherwise its requests, API key included, would go through a proxy that the environment names.
    os.environ["no_proxy"] = host
    bot = runpy.run_path(str(shipped("examples") / "bot/bot.py"))["create_app"](settings)
    server = make_server(
        host, port, bot, threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="bot")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

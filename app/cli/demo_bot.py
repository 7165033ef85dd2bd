"""The bot of examples/bot, run by the demo as anybody would run it beside Threadlink."""

import os
import runpy
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

from app.cli.serving import Handler
from app.infra.resources import shipped


@contextmanager
def running(listener: socket.socket, settings: Mapping[str, str]) -> Iterator[None]:
    """Serve the bot on *listener* until the block ends; it knows *settings* and nothing of ours."""
    host, port = listener.getsockname()[:2]
    # Else what it asks, its key included, goes to whatever proxy the environment names.
    os.environ["no_proxy"] = host
    bot: Flask = runpy.run_path(str(shipped("examples") / "bot/bot.py"))["create_app"](settings)
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

import os
import threading
from typing import Final
from urllib.parse import urlsplit

import click

from app.cli.listening import listen_address, listening
from app.cli.serving import serving
from app.cli.signals import stopping, wait
from app.cli.tunnel import behind_tunnel
from app.services.container import build
from app.services.settings import load_settings
from app.setup.tunnel import USUAL

HTTP_PORT: Final = 80
_OTHER_PORT: Final = (
    "Warning: links and pages lead to PUBLIC_URL, {url}, and not to port {port}. Leave out --port, "
    "or change PUBLIC_URL."
)


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    callback=listen_address,
    help="The address to listen on; default: the host of PUBLIC_URL if loopback.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port to listen on; default: that of PUBLIC_URL.",
)
@click.option(
    "--tunnel",
    is_flag=False,
    flag_value="",
    metavar="[API]",
    help="Use the running ngrok or cloudflared tunnel as PUBLIC_URL, and register it with Meta "
    "until Ctrl-C. API: the URL of the tunnel's own API, if it is not the default.",
)
@click.option(
    "--take-webhook",
    is_flag=True,
    help="With --tunnel: replace another program's webhook until Ctrl-C.",
)
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop when standard input ends.")
def run(
    *, host: str | None, port: int | None, tunnel: str | None, take_webhook: bool, until_eof: bool
) -> None:
    """Run the server and the worker for development.

    In production use threadlink serve.

    Example: threadlink run --tunnel
    """
    if tunnel is not None:
        apis = (tunnel.rstrip("/"),) if tunnel else USUAL
        behind_tunnel(host or "127.0.0.1", port or 8000, apis=apis, take_webhook=take_webhook)
        return
    settings = load_settings()
    public_url = urlsplit(settings.public_url)
    is_local = not settings.is_production
    host = host or (public_url.hostname if is_local else None) or "127.0.0.1"
    port = port if port is not None else (public_url.port if is_local else None) or 8000
    built = build(settings)
    with stopping() as stop, listening(host, port) as listener, serving(built, listener):
        port = listener.getsockname()[1]
        click.echo(f"Serving {settings.public_url} on {host}:{port}. Ctrl-C stops it.", err=True)
        if is_local and port != (public_url.port or HTTP_PORT):
            click.echo(_OTHER_PORT.format(url=settings.public_url, port=port), err=True)
        if until_eof:
            threading.Thread(target=_stop_at_eof, args=(stop,), daemon=True).start()
        wait(stop)
    click.echo("Stopped.", err=True)


def _stop_at_eof(stop: threading.Event) -> None:
    # Not through sys.stdin: a thread that holds its lock would hang the end of the program.
    while os.read(0, 4096):
        pass
    stop.set()

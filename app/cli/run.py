import os
import threading
from urllib.parse import urlsplit

import click

from app import create_app
from app.cli.listening import listening
from app.cli.serving import serving
from app.cli.signals import stopping, wait
from app.cli.tunnel import behind_tunnel
from app.services.container import build
from app.services.settings import load_settings
from app.setup.tunnel import USUAL


@click.command()
@click.option(
    "--host", help="Where to listen; default: the host of PUBLIC_URL if that is loopback."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the port of PUBLIC_URL.")
@click.option(
    "--tunnel",
    is_flag=False,
    flag_value="",
    metavar="[API]",
    help="Be reached through the ngrok or cloudflared that runs, at the address it has, and tell "
    "Meta of it until the end. API is the tunnel's own address here, where it is not the usual.",
)
@click.option(
    "--take-webhook",
    is_flag=True,
    help="With --tunnel: take the app's webhook from whoever has it, until the end.",
)
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop when standard input ends.")
def run(
    *, host: str | None, port: int | None, tunnel: str | None, take_webhook: bool, until_eof: bool
) -> None:
    """Serve on this machine while developing, the worker inside. In production: threadlink serve.

    Example: threadlink run --tunnel
    """
    if tunnel is not None:
        apis = (tunnel.rstrip("/"),) if tunnel else USUAL
        behind_tunnel(host or "127.0.0.1", port or 8000, apis=apis, take_webhook=take_webhook)
        return
    settings = load_settings()
    known = urlsplit(settings.public_url)
    is_local = not settings.is_production
    host = host or (known.hostname if is_local else None) or "127.0.0.1"
    port = port if port is not None else (known.port if is_local else None) or 8000
    app = create_app(build(settings))
    with stopping() as stop, listening(host, port) as listener, serving(app, listener):
        taken = listener.getsockname()[1]
        click.echo(f"Serving {settings.public_url} on {host}:{taken}. Ctrl-C stops it.", err=True)
        if until_eof:
            threading.Thread(target=_stop_at_eof, args=(stop,), daemon=True).start()
        wait(stop)
    click.echo("Stopped.", err=True)


def _stop_at_eof(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock, held by a thread, would spoil the end of the program.
    while os.read(0, 4096):
        pass
    stop.set()

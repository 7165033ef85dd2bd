"""`threadlink run --tunnel`: a server for the address that a tunnel has, and Meta told of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from app.cli.audit import audited
from app.cli.listening import listening
from app.cli.signals import stopping
from app.infra import clock
from app.infra.settings.settings import Settings
from app.messenger.errors import GraphError
from app.services.container import Services, build
from app.services.settings import load_settings
from app.setup import tunnel
from app.setup.plan import BadUndo, Change, ForeignWebhook
from app.setup.public_checks import check_reach
from app.setup.temporary import TemporarySetup, TooSoon
from app.setup.tunnel import NoTunnel, Tunnel

UNDO: Final = Path("instance/tunnel-undo.json")
LOOK_EVERY_S: Final = 1.0
AGAIN_AFTER: Final = timedelta(seconds=30)
START_S: Final = 60
_PROGRAM: Final = "from app.cli import main; main()"


@audited
def behind_tunnel(host: str, port: int, *, apis: Sequence[str], take_webhook: bool) -> None:
    """Serve at whatever address the tunnel has until told to stop, and put Meta back then.

    Raises:
        click.ClickException: There is no tunnel, or Meta cannot be told of it; or it could not be
            put back.
    """
    # Whoever else has the port would be what the tunnel leads to.
    listening(host, port).close()
    keeper = _Keeper(host, port, apis=apis, take_webhook=take_webhook, loan=_loan())
    with stopping() as stop:
        keeper.begin()
        try:
            while not stop.wait(LOOK_EVERY_S):
                keeper.look()
        finally:
            keeper.end()
    click.echo("Stopped.")


def _loan() -> TemporarySetup:
    try:
        loan = TemporarySetup(UNDO)
    except BadUndo as exc:
        raise click.ClickException(f"{UNDO} cannot be read. Look at it, and remove it.") from exc
    if loan.is_open:
        click.echo(f"An earlier run ended before it put Meta back; this one will ({UNDO}).")
    return loan


@dataclass
class _Keeper:
    """Keeps a server, and what Meta has noted, at the address of the tunnel."""

    host: str
    port: int
    apis: Sequence[str]
    take_webhook: bool
    loan: TemporarySetup
    _address: str = ""
    _settings: Settings = field(init=False)
    _server: "subprocess.Popen[bytes] | None" = None
    _is_told: bool = False
    _not_before: datetime | None = None
    _said: str = ""

    def begin(self) -> None:
        """Serve at the address of the tunnel that runs.

        Raises:
            click.ClickException: None does.
        """
        try:
            self._move(tunnel.find(self.port, self.apis))
        except NoTunnel as exc:
            raise click.ClickException(str(exc)) from exc

    def look(self) -> None:
        """Follow the tunnel if its address has changed, and tell Meta if it does not know yet."""
        if self._server is None or self._server.poll() is not None:
            raise click.ClickException("the server has ended; the lines above say why")
        try:
            found = tunnel.find(self.port, self.apis)
        except NoTunnel as exc:
            self._say(f"The tunnel has gone; waiting for one to port {self.port}.\n{exc}")
            return
        if found.public_url != self._address:
            self._move(found)
        if not self._is_told and (self._not_before is None or clock.now() >= self._not_before):
            self._tell()

    def end(self) -> None:
        """Put Meta back, and stop the server.

        Raises:
            click.ClickException: Meta did not take it back.
        """
        try:
            if self.loan.is_open:
                click.echo("Putting back what Meta had noted:")
                with _built(self._settings) as built:
                    token = built.settings.verify_token
                    _show(self.loan.restore(built.meta(), verify_token=token, at=clock.now()))
        except (GraphError, BadUndo) as exc:
            raise click.ClickException(
                f"that could not be done: {exc}\nNext: threadlink setup --undo {UNDO}"
            ) from exc
        finally:
            self._stop()

    def _move(self, found: Tunnel) -> None:
        changed = {"PUBLIC_URL": found.public_url, "PUBLIC_URL_FILE": ""}
        settings = load_settings(**changed)
        # The tunnel is one proxy; whoever has more in front has said so.
        hops = str(max(1, settings.trusted_proxies))
        changed |= {"TRUSTED_PROXIES": hops, "TRUSTED_PROXIES_FILE": ""}
        click.echo(f"{found.program} leads {found.public_url} to port {self.port}.")
        self._stop()
        self._address, self._settings, self._is_told = found.public_url, settings, False
        self._server = _start(self.host, self.port, changed)

    def _tell(self) -> None:
        settings = self._settings
        for finding in check_reach(
            settings.public_url, settings.verify_token, is_production=settings.is_production
        ):
            if finding.verdict == "problem":
                self._say(f"Not yet: {finding.subject} {finding.words}.\n  {finding.fix}")
                return
            if finding.verdict == "warning":
                click.echo(f"{finding.subject} {finding.words}.\n  {finding.fix}")
        click.echo(f"{settings.public_url} leads here. Telling Meta:")
        with _built(settings) as built:
            self._point(built)

    def _point(self, built: Services) -> None:
        settings = built.settings
        try:
            _show(
                self.loan.apply(
                    built.meta(),
                    take_webhook=self.take_webhook,
                    verify_token=settings.verify_token,
                    bot=settings.bot.messenger_url is not None,
                    at=clock.now(),
                )
            )
        except ForeignWebhook as exc:
            raise click.ClickException(_FOREIGN.format(url=exc.url)) from exc
        except BadUndo as exc:
            raise click.ClickException(f"{UNDO} is of other pages. Look at it; remove it.") from exc
        except TooSoon as exc:
            self._not_before = exc.at
            self._say(f"Meta allows ten such changes in ten minutes; the next at {exc.at:%H:%M}.")
        except GraphError as exc:
            self._not_before = clock.now() + AGAIN_AFTER
            self._say(f"Meta did not take it: {exc}\nOnce more in half a minute; threadlink doctor")
        else:
            self._is_told, self._said = True, ""
            click.echo("Ready: tap Log In on the phone. Ctrl-C puts everything back.")

    def _say(self, words: str) -> None:
        """Tell *words* once, however often they are found to be so."""
        if words != self._said:
            click.echo(words)
        self._said = words

    def _stop(self) -> None:
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.close()
            self._server.wait()
        self._server = None


def _start(host: str, port: int, changed: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start the server as a child that ends with us, whatever becomes of us.

    Raises:
        click.ClickException: It did not come to listen.
    """
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, "run", "--host", host, "--port", str(port), "--until-eof"],
        env={**os.environ, **changed},
        stdin=subprocess.PIPE,
        # Ctrl-C is for us: Meta is put back while the server still answers.
        start_new_session=True,
    )
    limit = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < limit:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            # Nobody announces that another process listens.
            time.sleep(0.1)
        else:
            return server
    server.terminate()
    raise click.ClickException("the server did not start; the lines above say why")


@contextmanager
def _built(settings: Settings) -> Iterator[Services]:
    built = build(replace(settings, log_level="error", log_format="console"))
    try:
        yield built
    finally:
        built.close()


def _show(changes: Iterable[Change]) -> None:
    count = 0
    for count, change in enumerate(changes, 1):  # noqa: B007 - counted for what follows
        click.echo(f"  {change}")
    if not count:
        click.echo("  nothing to change")


_FOREIGN: Final = """the app's webhook leads to {url}: another program lives there.
To have it come here until the end: threadlink run --tunnel --take-webhook
That program hears nothing meanwhile unless BOT_MESSENGER_URL={url} passes it on. It is given back
at the end, if it answers Meta's handshake with our VERIFY_TOKEN."""

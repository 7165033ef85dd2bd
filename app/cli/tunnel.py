"""`threadlink run --tunnel`: serves at the address of a tunnel and registers it with Meta."""

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
from app.cli.setup import ask_for_names
from app.cli.signals import stopping
from app.infra import clock
from app.infra.settings.settings import X_FORWARDED, Settings
from app.messenger.errors import GraphError
from app.services.container import Services, build
from app.services.settings import load_settings
from app.setup import tunnel
from app.setup.plan import ForeignWebhook, Made
from app.setup.public_checks import check_reach_of
from app.setup.state import BadUndo
from app.setup.temporary import TemporarySetup, TooSoon
from app.setup.tunnel import NoTunnel, Tunnel

UNDO: Final = Path("instance/tunnel-undo.json")
CHECK_EVERY_S: Final = 1.0
RETRY_AFTER: Final = timedelta(seconds=30)
START_S: Final = 60
_PROGRAM: Final = "from app.cli import main; main()"


@audited
def behind_tunnel(host: str, port: int, *, apis: Sequence[str], take_webhook: bool) -> None:
    """Serve at the address of the tunnel until Ctrl-C, then restore the setup at Meta.

    Raises:
        click.ClickException: There is no tunnel, or Meta refused a change or its restoration.
    """
    # Otherwise the tunnel would lead to the other program that has the port.
    listening(host, port).close()
    session = _TunnelSession(
        host, port, apis=apis, take_webhook=take_webhook, temporary=_temporary_setup()
    )
    with stopping() as stop:
        session.begin()
        try:
            while not stop.wait(CHECK_EVERY_S):
                session.check()
        finally:
            session.end()
    click.echo("Stopped.")


def _temporary_setup() -> TemporarySetup:
    try:
        temporary = TemporarySetup(UNDO)
    except BadUndo as exc:
        raise click.ClickException(f"{UNDO} is invalid. Check it, then remove it.") from exc
    if temporary.is_open:
        click.echo(f"An earlier run did not restore the setup at Meta; this one will ({UNDO}).")
    return temporary


@dataclass
class _TunnelSession:
    """Keeps the server and the setup at Meta at the tunnel's current address."""

    host: str
    port: int
    apis: Sequence[str]
    take_webhook: bool
    temporary: TemporarySetup
    _address: str = ""
    _settings: Settings = field(init=False)
    _server: "subprocess.Popen[bytes] | None" = None
    _is_registered: bool = False
    _not_before: datetime | None = None
    _last_message: str = ""

    def begin(self) -> None:
        """Start the server at the address of the running tunnel.

        Raises:
            click.ClickException: No tunnel is running, or the server did not start.
        """
        try:
            self._move(tunnel.find(self.port, self.apis))
        except NoTunnel as exc:
            raise click.ClickException(str(exc)) from exc

    def check(self) -> None:
        """Follow the tunnel if its address has changed, and register it with Meta if necessary.

        Raises:
            click.ClickException: The server has ended, or another program has the webhook.
        """
        if self._server is None or self._server.poll() is not None:
            raise click.ClickException("the server has ended; see the lines above")
        try:
            current = tunnel.find(self.port, self.apis)
        except NoTunnel as exc:
            self._print_once(f"The tunnel has ended; waiting for one to port {self.port}.\n{exc}")
            return
        if current.public_url != self._address:
            self._move(current)
        if not self._is_registered and (
            self._not_before is None or clock.now() >= self._not_before
        ):
            self._register()

    def end(self) -> None:
        """Restore the setup at Meta, and stop the server.

        Raises:
            click.ClickException: Meta refused the restoration.
        """
        try:
            if self.temporary.is_open:
                click.echo("Restoring the setup at Meta:")
                with _built(self._settings) as built:
                    token = built.settings.verify_token
                    _show(self.temporary.restore(built.meta(), verify_token=token, at=clock.now()))
        except (GraphError, BadUndo) as exc:
            raise click.ClickException(
                f"the setup was not restored: {exc}\nNext: threadlink setup --undo {UNDO}"
            ) from exc
        finally:
            self._stop()

    def _move(self, current: Tunnel) -> None:
        changed = {"PUBLIC_URL": current.public_url, "PUBLIC_URL_FILE": ""}
        settings = load_settings(**changed)
        # The tunnel counts as one proxy, unless more are configured.
        hops = str(max(1, settings.trusted_proxies))
        changed |= {"TRUSTED_PROXIES": hops, "TRUSTED_PROXIES_FILE": ""}
        changed |= {"FORWARDED_HEADER": X_FORWARDED, "FORWARDED_HEADER_FILE": ""}
        click.echo(f"{current.program} forwards {current.public_url} to port {self.port}.")
        self._stop()
        self._address, self._settings, self._is_registered = current.public_url, settings, False
        self._server = _start(self.host, self.port, changed)

    def _register(self) -> None:
        settings = self._settings
        for finding in check_reach_of(settings):
            if finding.verdict == "problem":
                self._print_once(f"Not yet: {finding.subject} {finding.words}.\n  {finding.fix}")
                return
            if finding.verdict == "warning":
                click.echo(f"{finding.subject} {finding.words}.\n  {finding.fix}")
        click.echo(f"{settings.public_url} reaches this server. Registering it with Meta:")
        with _built(settings) as built:
            self._change_meta(built)

    def _change_meta(self, built: Services) -> None:
        settings = built.settings
        try:
            _show(
                self.temporary.apply(
                    built.meta(),
                    take_webhook=self.take_webhook,
                    verify_token=settings.verify_token,
                    bot=settings.bot.gets_deliveries,
                    at=clock.now(),
                )
            )
        except ForeignWebhook as exc:
            raise click.ClickException(_FOREIGN.format(url=exc.url)) from exc
        except BadUndo as exc:
            raise click.ClickException(
                f"{UNDO} is of other pages. Check it, then remove it."
            ) from exc
        except TooSoon as exc:
            self._not_before = exc.at
            self._print_once(f"Meta allows ten changes in ten minutes; retrying at {exc.at:%H:%M}.")
        except GraphError as exc:
            self._not_before = clock.now() + RETRY_AFTER
            self._print_once(
                f"Meta refused: {exc}\nRetrying in {RETRY_AFTER.seconds} s; see threadlink doctor"
            )
        else:
            self._is_registered, self._last_message = True, ""
            ask_for_names(built)
            click.echo("Ready: tap Log In on the phone. Ctrl-C restores everything.")

    def _print_once(self, message: str) -> None:
        """Print *message*, unless it was also the last one."""
        if message != self._last_message:
            click.echo(message)
        self._last_message = message

    def _stop(self) -> None:
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.close()
            self._server.wait()
        self._server = None


def _start(host: str, port: int, changed: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start the server as a child process that ends with this one, even if this one is killed.

    Raises:
        click.ClickException: It did not start to listen.
    """
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, "run", "--host", host, "--port", str(port), "--until-eof"],
        env={**os.environ, **changed},
        stdin=subprocess.PIPE,
        # Ctrl-C reaches only this process: Meta is restored while the server still answers.
        start_new_session=True,
    )
    limit = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < limit:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            # Polled: nothing signals that another process listens.
            time.sleep(0.1)
        else:
            return server
    server.terminate()
    raise click.ClickException("the server did not start; see the lines above")


@contextmanager
def _built(settings: Settings) -> Iterator[Services]:
    built = build(replace(settings, log_level="error", log_format="console"))
    try:
        yield built
    finally:
        built.close()


def _show(changes: Iterable[Made]) -> None:
    count = 0
    for count, change in enumerate(changes, 1):  # noqa: B007 - counted for what follows
        click.echo(f"  {change}")
    if not count:
        click.echo("  nothing to change")


_FOREIGN: Final = """the app's webhook is {url}, which belongs to another program.
To replace it until Ctrl-C: threadlink run --tunnel --take-webhook
That program gets no events meanwhile unless BOT_MESSENGER_URL={url} forwards them. Its webhook is
restored at the end, if it answers Meta's verification with our VERIFY_TOKEN."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog

from app.cli.run import check_tables, note_refused_reload
from app.cli.signals import hangups, stopping
from app.config import ConfigError, Settings
from app.services import build

log = structlog.get_logger()


@click.command()
def worker() -> None:
    """Do what commits have asked for, until told to stop. Any number may run.

    On SIGHUP it goes on by the settings as they are written then.

    Example: threadlink worker
    """
    settings = Settings.load()
    with stopping() as stop, hangups() as hangup:
        with _working(settings):
            click.echo("Working. Ctrl-C stops it after what it is doing.", err=True)
            settings = _until_told(settings, stop, hangup)
        while not stop.is_set():
            with _working(settings):
                log.info("server.reloaded", settings=settings.given, pages=len(settings.pages))
                settings = _until_told(settings, stop, hangup)
    click.echo("Stopped.", err=True)


@contextmanager
def _working(settings: Settings) -> Iterator[None]:
    built = build(settings)
    check_tables(built)
    over = threading.Event()
    thread = threading.Thread(target=built.worker.run, args=(over,), name="worker")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        built.close()


def _until_told(settings: Settings, stop: threading.Event, hangup: threading.Event) -> Settings:
    """Return what to go on by: other settings after SIGHUP, or *settings* when *stop* is set."""
    while not stop.wait(timeout=1):
        if hangup.is_set():
            hangup.clear()
            try:
                return settings.anew()
            except ConfigError as exc:
                note_refused_reload(exc)
    return settings

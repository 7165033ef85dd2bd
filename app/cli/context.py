"""The services that a command works with, kept in click's context."""

from typing import Any

import click

from app.services.container import Services, build
from app.services.settings import load_settings


class ServiceCommand(click.Command):
    """A command that runs with services: they are built before it is called.

    Raises:
        click.UsageError: An argument is no text in UTF-8, as everything is that is stored.
        ConfigError: The settings cannot be used.
    """

    def invoke(self, ctx: click.Context) -> Any:
        for value in ctx.params.values():
            for each in value if isinstance(value, tuple) else (value,):
                _check_text(str(each))
        # Tests pass services of their own.
        if ctx.obj is None:
            settings = load_settings()
            for miss in settings.near_misses:
                click.echo(f"Warning: {miss}", err=True)
            # Some read a whole table.
            ctx.obj = built = build(settings, is_patient=True)
            ctx.call_on_close(built.engine.dispose)
        return super().invoke(ctx)


def _check_text(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"{word!a} is no text in UTF-8") from None


class ServiceGroup(click.Group):
    """A group whose commands run with services."""

    command_class = ServiceCommand


def services() -> Services:
    """Return the services of the running command, which is a `ServiceCommand`."""
    built: Services = click.get_current_context().obj
    return built

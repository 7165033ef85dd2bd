import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from app.cli.emulator_control import Control, control_options, span
from app.cli.options import json_option
from app.emulator import FAULTS, TRIGGERS, Description, EmulatorSettings, demo_settings
from app.emulator import run as run_emulator

# How other commands find a running emulator. It holds the secrets: only its owner reads it.
WHEREABOUTS: Final = Path("instance/emulator.json")


@click.group(invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True)
@click.option("--webhook-url", help="Where deliveries go, as if set up in Meta's dashboard.")
@click.option("--data-deletion-url", help="Where the data deletion callback goes.")
@click.option("--deauthorize-url", help="Where the deauthorize callback goes.")
@click.option("--page", "pages", multiple=True, metavar="NAME", help="A Page; may be repeated.")
@click.option("--person", "people", multiple=True, metavar="NAME", help="A person; the same.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(sorted(FAULTS)),
    metavar="NAME",
    help="Turn on what goes wrong; may be repeated. `threadlink emulator faults` lists them.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: one line when it is ready.")
@click.pass_context
def emulator(ctx: click.Context, /, **options: Any) -> None:
    """Run a Messenger on this machine, on loopback only: chat, Graph, webhooks, an inspector.

    Prints the settings that make a server talk to it. Port 0 takes any free one.

    Example: threadlink emulator --webhook-url http://127.0.0.1:8000/webhook
    """
    if ctx.invoked_subcommand is None:
        _serve(_settings(**options), options)


def _settings(
    *,
    webhook_url: str | None,
    pages: tuple[str, ...],
    people: tuple[str, ...],
    **options: Any,
) -> EmulatorSettings:
    named = {name: names for name, names in (("pages", pages), ("people", people)) if names}
    callbacks = ("data_deletion_url", "deauthorize_url")
    try:
        settings = demo_settings(webhook_url=webhook_url, **named)
        return replace(settings, **{name: options[name] for name in callbacks})
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc


def _serve(settings: EmulatorSettings, options: dict[str, Any]) -> None:
    port = options["port"]
    with ExitStack() as stack:

        def ready(there: Description) -> None:
            if options["as_json"]:
                click.echo(json.dumps(whole(settings, there)))
            else:
                stack.enter_context(leaving_word(settings, there))
                _greet(settings, there)

        try:
            run_emulator(settings, port=port, faults=options["faults"], ready=ready)
        except OSError as exc:
            raise click.ClickException(
                f"port {port} is in use: choose another with --port"
            ) from exc


def environment(settings: EmulatorSettings, there: Description) -> dict[str, str]:
    """Return the settings with which a server talks to this emulator about its first page."""
    return {
        "APP_ID": settings.app_id,
        "APP_SECRET": settings.app_secret,
        "VERIFY_TOKEN": settings.verify_token,
        "PAGE_ID": settings.pages[0].id,
        "PAGE_ACCESS_TOKEN": settings.pages[0].token,
        "GRAPH_URL": there["graph_url"],
        "REDIRECT_ORIGINS": there["url"],
    }


def whole(settings: EmulatorSettings, there: Description) -> dict[str, Any]:
    """Return all that a program must know of a running emulator, its secrets included."""
    return {
        **there,
        "control_key": settings.control_key,
        "page_tokens": {page.id: page.token for page in settings.pages},
        "env": environment(settings, there),
    }


@contextmanager
def leaving_word(settings: EmulatorSettings, there: Description) -> Iterator[None]:
    """Have it written down where the emulator is, so that the other commands find it."""
    WHEREABOUTS.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    WHEREABOUTS.touch(mode=0o600)
    WHEREABOUTS.write_text(json.dumps(whole(settings, there)), encoding="utf-8")
    try:
        yield
    finally:
        WHEREABOUTS.unlink(missing_ok=True)


def _greet(settings: EmulatorSettings, there: Description) -> None:
    click.echo(f"Chat:      {there['chat_url']}")
    click.echo(f"Inspector: {there['inspector_url']}")
    click.echo(f"Faults:    {there['faults_url']}")
    click.echo(f"Control:   {there['control_url']}  with the key {settings.control_key}\n")
    click.echo("Settings for the server:\n")
    for name, value in environment(settings, there).items():
        click.echo(f"{name}={value}")
    click.echo("\nNext: threadlink emulator trigger message. Ctrl-C stops it.", err=True)


@emulator.command()
@click.argument("what", type=click.Choice(TRIGGERS))
@click.option("--psid", help="To whom; default: the first person.")
@click.option("--page", "page_id", help="On which Page; default: the first.")
@click.option("--code", help="The authorization_code of linked, the payload of postback.")
@click.option("--text", default="Hello!", show_default=True, help="What a message says.")
@click.option("--twice", is_flag=True, help="Deliver it twice.")
@click.option("--late", callback=span, default="0s", help="It happened so long ago: 90s, 15m, 1h.")
@json_option
@control_options(WHEREABOUTS)
def trigger(control: Control, *, as_json: bool, **wanted: Any) -> None:
    """Let something happen to a person, and say what the business made of it.

    Example: threadlink emulator trigger linked --code tl_4f --late 1h
    """
    wanted["late_seconds"] = wanted.pop("late").total_seconds()
    result = control.call("POST", "/trigger", wanted)
    if as_json:
        click.echo(json.dumps(result))
        return
    failure = result["failure"]
    if failure is None:
        click.echo(f"{result['what']}: delivered for {result['psid']}, answered 200.")
        return
    raise click.ClickException(f"{result['what']}: {failure['reason']}\n{failure['fix']}")


@emulator.command()
@json_option
@control_options(WHEREABOUTS)
def faults(control: Control, *, as_json: bool) -> None:
    """List what can go wrong, and what is on.

    Example: threadlink emulator faults
    """
    rows = control.call("GET", "/faults")
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{'on ' if row['is_on'] else '   '} {row['name']:<30} {row['does']}")


@emulator.command()
@click.argument("name", type=click.Choice(sorted(FAULTS)), metavar="NAME")
@click.option("--times", type=click.IntRange(1), help="So often; default: until it is turned off.")
@click.option("--off", is_flag=True, help="Turn it off.")
@json_option
@control_options(WHEREABOUTS)
def fault(control: Control, name: str, times: int | None, *, off: bool, as_json: bool) -> None:
    """Turn one thing that can go wrong on or off.

    Example: threadlink emulator fault webhook-500 --times 1
    """
    if off:
        control.call("DELETE", f"/faults/{name}")
    else:
        control.call("PUT", f"/faults/{name}", {"times": times})
    if as_json:
        rows = control.call("GET", "/faults")
        click.echo(json.dumps(next(row for row in rows if row["name"] == name)))
        return
    click.echo(f"{name} is {'off' if off else 'on'}. {FAULTS[name].does}")


@emulator.command()
@click.argument("by", callback=span, metavar="[SPAN]", default="0s")
@click.option("--back", is_flag=True, help="Go with this machine's clock again.")
@json_option
@control_options(WHEREABOUTS)
def skip(control: Control, by: timedelta, *, back: bool, as_json: bool) -> None:
    """Let time pass on Messenger's clock, with every repeat that is due meanwhile.

    Example: threadlink emulator skip 1h
    """
    if bool(by) == back:
        raise click.UsageError("say either a SPAN, or --back")
    if back:
        told = control.call("DELETE", "/time")
    else:
        told = control.call("POST", "/time", {"advance_seconds": by.total_seconds()})
    click.echo(json.dumps(told) if as_json else f"Messenger's clock: {told['now']}")

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
from app.cli.suggestions import one_of_many
from app.emulator import FAULTS, TRIGGERS, Description, EmulatorSettings, demo_settings
from app.emulator import run as run_emulator
from app.infra import private_files

# Other commands find a running emulator by this file. It contains secrets: only its owner may
# read it.
WHEREABOUTS: Final = Path("instance/emulator.json")
_FAULT: Final = one_of_many(FAULTS, listing="threadlink emulator faults")


@click.group(invoke_without_command=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8081,
    show_default=True,
    help="The port to listen on.",
)
@click.option(
    "--webhook-url", help="The URL that gets the deliveries, as if set in Meta's dashboard."
)
@click.option("--data-deletion-url", help="The URL of the data deletion callback.")
@click.option("--deauthorize-url", help="The URL of the deauthorize callback.")
@click.option(
    "--page", "pages", multiple=True, metavar="NAME", help="The name of a Page; may be repeated."
)
@click.option(
    "--person",
    "people",
    multiple=True,
    metavar="NAME",
    help="The name of a person; may be repeated.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=_FAULT,
    metavar="NAME",
    help="Turn on a fault; may be repeated. `threadlink emulator faults` lists them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when it is ready.")
@click.pass_context
def emulator(ctx: click.Context, /, **options: Any) -> None:
    """Run a simulated Messenger on this machine.

    It has a chat, the Graph API, webhooks and an inspector, and listens on loopback only. Prints
    the settings with which a server uses it. Port 0 chooses a free port.

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

        def ready(running: Description) -> None:
            if options["as_json"]:
                click.echo(json.dumps(all_details(settings, running)))
            else:
                stack.enter_context(announcing(settings, running))
                _greet(settings, running)

        try:
            run_emulator(settings, port=port, faults=options["faults"], ready=ready)
        except OSError as exc:
            raise click.ClickException(
                f"port {port} is in use: choose another with --port"
            ) from exc


def environment(settings: EmulatorSettings, running: Description) -> dict[str, str]:
    """Return the settings with which a server uses this emulator, for its first page."""
    return {
        "APP_ID": settings.app_id,
        "APP_SECRET": settings.app_secret,
        "VERIFY_TOKEN": settings.verify_token,
        "PAGE_ID": settings.pages[0].id,
        "PAGE_ACCESS_TOKEN": settings.pages[0].token,
        "GRAPH_URL": running["graph_url"],
        "REDIRECT_ORIGINS": running["url"],
        "M_ME_URL": running["m_me_url"],
    }


def all_details(settings: EmulatorSettings, running: Description) -> dict[str, Any]:
    """Return what a program needs to use a running emulator, secrets included."""
    return {
        **running,
        "control_key": settings.control_key,
        "page_tokens": {page.id: page.token for page in settings.pages},
        "env": environment(settings, running),
    }


@contextmanager
def announcing(settings: EmulatorSettings, running: Description) -> Iterator[None]:
    """Keep a file that describes the running emulator, by which other commands find it."""
    private_files.write(WHEREABOUTS, json.dumps(all_details(settings, running)))
    try:
        yield
    finally:
        WHEREABOUTS.unlink(missing_ok=True)


def _greet(settings: EmulatorSettings, running: Description) -> None:
    click.echo(f"Chat:      {running['chat_url']}")
    click.echo(f"Inspector: {running['inspector_url']}")
    click.echo(f"Faults:    {running['faults_url']}")
    click.echo(f"Control:   {running['control_url']}  with the key {settings.control_key}\n")
    click.echo("Settings for the server:\n")
    for name, value in environment(settings, running).items():
        click.echo(f"{name}={value}")
    click.echo("\nNext: threadlink emulator trigger message. Ctrl-C stops it.", err=True)


@emulator.command()
@click.argument("what", type=click.Choice(TRIGGERS))
@click.option("--psid", help="The person; default: the first.")
@click.option("--page", "page_id", help="The Page; default: the first.")
@click.option("--code", help="The authorization_code for linked, or the payload for postback.")
@click.option("--ref", help="The ref of an m.me link, for referral and get-started.")
@click.option("--text", default="Hello!", show_default=True, help="The text for message.")
@click.option("--twice", is_flag=True, help="Deliver the event twice.")
@click.option("--late", callback=span, default="0s", help="The age of the event: 90s, 15m, 1h.")
@json_option
@control_options(WHEREABOUTS)
def trigger(control: Control, *, as_json: bool, **wanted: Any) -> None:
    """Send an event to the webhook and show the answer.

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
    """List the faults and which of them are on.

    Example: threadlink emulator faults
    """
    rows = control.call("GET", "/faults")
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{'on ' if row['is_on'] else '   '} {row['name']:<30} {row['does']}")


@emulator.command()
@click.argument("name", type=_FAULT, metavar="NAME")
@click.option(
    "--times", type=click.IntRange(1), help="Number of times; default: until it is turned off."
)
@click.option("--off", is_flag=True, help="Turn the fault off.")
@json_option
@control_options(WHEREABOUTS)
def fault(control: Control, name: str, times: int | None, *, off: bool, as_json: bool) -> None:
    """Turn a fault on or off.

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
@click.option("--back", is_flag=True, help="Return to this machine's clock.")
@json_option
@control_options(WHEREABOUTS)
def skip(control: Control, by: timedelta, *, back: bool, as_json: bool) -> None:
    """Advance the emulator's clock by SPAN.

    Every redelivery that is due in between is made.

    Example: threadlink emulator skip 1h
    """
    if bool(by) == back:
        raise click.UsageError("give either a SPAN or --back")
    if back:
        clock = control.call("DELETE", "/time")
    else:
        clock = control.call("POST", "/time", {"advance_seconds": by.total_seconds()})
    click.echo(json.dumps(clock) if as_json else f"Messenger's clock: {clock['now']}")

"""Runs a client that others wrote against the emulator's Graph: every call that it supports."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.emulator.webhook_server import Webhook
from tests.fidelity.program_cache import command_for
from tests.fidelity.programs import Program
from threadlink_testing import Messenger, Person

_LOGIN = "https://shop.example/authorize"
_SECONDS = 60
Given = dict[str, str]


def ask(program: Program, messenger: Messenger) -> Iterator[tuple[str, str, bool]]:
    """Yield each call of *program*, its result, and whether the result is as documented."""
    with Webhook() as webhook:
        messenger.reset()
        messenger.deliver_to(webhook.url)
        given = given_for(messenger, messenger.people[0])
        calls, errors = run(program, given)
    if errors or not calls:
        yield "start", errors or "no output", False
    for call, answer in calls:
        is_right = _RIGHT[call](answer, given)
        yield call, "" if is_right else json.dumps(answer)[:160], is_right


def run(program: Program, given: Given) -> tuple[list[tuple[str, Any]], str]:
    """Return each call of *program* with its answer, and the error output if it failed.

    With `only` in *given*, that call alone.
    """
    command, folder = command_for(program)
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment(given, str(folder)),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    lines = [
        json.loads(line) for line in finished.stdout.splitlines() if line.startswith('{"call"')
    ]
    errors = finished.stderr.strip()[-300:] if finished.returncode else ""
    return [(each["call"], each["answer"]) for each in lines], errors


def environment(given: Given, folder: str) -> dict[str, str]:
    """Return the environment of a program of others: *given* as JSON, and little of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    modules = f"{folder}/node_modules"
    return {**kept, "NODE_PATH": modules, "NO_PROXY": "*", "FIDELITY": json.dumps(given)}


def given_for(messenger: Messenger, person: Person) -> Given:
    """Return the settings of a client, with a person who is linked and has tapped Log In."""
    person.has("linked")
    messenger.set_linking_url(_LOGIN)
    env = messenger.env
    return {
        "graph_url": messenger.graph_url,
        "token": env["PAGE_ACCESS_TOKEN"],
        "app_id": env["APP_ID"],
        "app_secret": env["APP_SECRET"],
        "page_id": env["PAGE_ID"],
        "psid": person.psid,
        "linking_token": _linking_token(messenger, person),
        "login_url": _LOGIN,
    }


def _linking_token(messenger: Messenger, person: Person) -> str:
    chat = f"{messenger.url}/t/{person.page_id}/{person.psid}/log-in"
    login = requests.post(chat, allow_redirects=False, timeout=_SECONDS).headers["Location"]
    return parse_qs(urlsplit(login).query)["account_linking_token"][0]


def _is(answer: object) -> Callable[[Any, Given], bool]:
    return lambda got, _given: got == answer


def _is_sent(got: Any, given: Given) -> bool:
    recipient = got.get("recipient_id") or got.get("recipientId")
    message = got.get("message_id") or got.get("messageId") or ""
    return bool(recipient == given["psid"] and message.startswith("m_"))


def _is_recipient(got: Any, given: Given) -> bool:
    return bool((got.get("recipient_id") or got.get("recipientId")) == given["psid"])


# The documented answers, however a client spells their names.
_RIGHT: dict[str, Callable[[Any, Given], bool]] = {
    "set linking url": _is({"result": "success"}),
    "delete linking url": _is({"result": "success"}),
    "get linking url": lambda got, given: bool(got == given["login_url"]),
    "psid": lambda got, given: bool(got == {"id": given["page_id"], "recipient": given["psid"]}),
    "send Log In": _is_sent,
    "send Log Out": _is_sent,
    "sender action": _is_recipient,
    "profile": lambda got, _: "Ana" in {got.get("first_name"), got.get("firstName")},
    "unlink": _is({"result": "unlink account success"}),
    "debug token": lambda got, given: got.get("profileId") == given["page_id"],
    "read subscription": lambda got, _: got.get("object") == "page" and bool(got.get("active")),
    "subscribe page": _is({"success": True}),
    "page": lambda got, given: bool(got["id"] == given["page_id"]),
}

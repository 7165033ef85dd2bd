"""Runs a client against the emulator's Graph: each call that it knows, and what it got."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from app.threadlink_testing import Messenger, Person
from tests.emulator.business import Webhook
from tests.fidelity.programs import Program
from tests.fidelity.shelf import command_for

_LOGIN = "https://shop.example/authorize"
_SECONDS = 60
Given = dict[str, str]


def ask(program: Program, messenger: Messenger) -> Iterator[tuple[str, str, bool]]:
    """Yield each call of *program*, what it got, and whether that is what is documented."""
    command, folder = command_for(program)
    with Webhook() as webhook:
        messenger.reset()
        messenger.deliver_to(webhook.url)
        given = _given(messenger)
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment(given, str(folder)),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode or not told:
        yield "start", ran.stderr[-300:] or "nothing said", False
    for each in told:
        is_right = _RIGHT[each["call"]](each["answer"], given)
        shown = "" if is_right else json.dumps(each["answer"])[:160]
        yield each["call"], shown, is_right


def environment(given: Given, folder: str) -> dict[str, str]:
    """Return the environment of a program of others: nothing of ours but what it is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    modules = f"{folder}/node_modules"
    # Botly and others write their deprecations to stderr; nobody reads them here.
    return {**kept, "NODE_PATH": modules, "NO_PROXY": "*", "FIDELITY": json.dumps(given)}


def _given(messenger: Messenger) -> Given:
    person = messenger.people[0]
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
    there = requests.post(chat, allow_redirects=False, timeout=_SECONDS).headers["Location"]
    return parse_qs(urlsplit(there).query)["account_linking_token"][0]


def _is(answer: object) -> Callable[[Any, Given], bool]:
    return lambda got, _given: got == answer


def _is_sent(got: Any, given: Given) -> bool:
    recipient = got.get("recipient_id") or got.get("recipientId")
    message = got.get("message_id") or got.get("messageId") or ""
    return bool(recipient == given["psid"] and message.startswith("m_"))


def _is_recipient(got: Any, given: Given) -> bool:
    return bool((got.get("recipient_id") or got.get("recipientId")) == given["psid"])


# What is documented, whichever way a client spells the names of an answer.
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

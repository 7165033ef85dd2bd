"""The programs of others that are run against the emulator, and where the two disagree."""

from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that others wrote, at a fixed version."""

    name: str
    registry: Literal["npm", "PyPI"]
    version: str
    script: str
    # Packages to install beside it, and npm overrides of its own dependencies.
    beside: tuple[str, ...] = ()
    overrides: dict[str, str] = field(default_factory=dict)
    # By call or case: the side that is right where the result is not as documented.
    differences: dict[str, str] = field(default_factory=dict)


CLIENTS = (
    Program(
        name="messaging-api-messenger",
        registry="npm",
        version="1.1.0",
        script="clients/messaging-api-messenger.js",
        differences={
            "debug token": "the emulator: it sends the app token with a proof made of the page "
            "token, and a proof is made of the token it goes with (Graph API, Secure Requests)",
        },
    ),
    Program(
        name="messenger-bot",
        registry="npm",
        version="2.5.0",
        script="clients/messenger-bot.js",
        differences={
            "profile": "the emulator: it asks for locale, timezone and gender too, and Graph "
            "refuses those with 2018247 (https://github.com/remixz/messenger-bot/issues/98)",
        },
    ),
    Program(name="botly", registry="npm", version="1.6.2", script="clients/botly.js"),
    Program(
        name="fbmessenger",
        registry="PyPI",
        version="6.0.0",
        script="clients/use_fbmessenger.py",
        beside=("six",),
        differences={
            "profile": "the emulator: it asks for locale, timezone and gender too, and Graph "
            "refuses those with 2018247 (https://github.com/botman/botman/issues/864)",
            "psid": "the emulator: it sends POST, and the retrieval is a GET "
            "(https://developers.facebook.com/docs/messenger-platform/identity/account-linking)",
            "subscribe page": "the emulator: subscribed_fields has been required since v3.2 "
            "(Page, subscribed_apps)",
        },
    ),
    Program(name="fbmq", registry="PyPI", version="2.5.0", script="clients/use_fbmq.py"),
)

_SHA1 = (
    "the emulator sends what Meta documents (X-Hub-Signature-256); it checks X-Hub-Signature "
    "(SHA-1) alone, so it takes a delivery that has only that"
)
_OTHER_OBJECT = (
    "the emulator: Meta requires an answer to every delivery (Webhooks, Getting Started); it "
    "answers only if object is page, so Messenger times out"
)
_NO_MESSAGING = (
    "the emulator: an entry may have standby or changes instead of messaging (Webhooks, standby); "
    "it expects messaging, throws and loses the rest"
)
_CHANGES = (
    "the emulator: a change is not a message (Webhooks for Pages, feed); it reads changes as "
    "messages, throws and does not answer"
)
RECEIVERS = (
    Program(
        name="bottender",
        registry="npm",
        version="1.5.5",
        script="receivers/bottender.js",
        beside=("express@4",),
        # The newest version that the registry in use may have.
        overrides={"typedarray.prototype.slice": "1.0.5"},
        differences={
            "sha1-only": _SHA1,
            "mixed-messages": "the emulator: Meta's page says to iterate over messaging "
            "(Webhooks); it reads messaging[0] of each entry (MessengerConnector.ts)",
        },
    ),
    Program(
        name="bootbot",
        registry="npm",
        version="1.1.0",
        script="receivers/bootbot.js",
        # The version it was written for: with the newest one it does not start.
        overrides={"express": "4.17.1"},
        differences={
            "sha1-only": _SHA1,
            "other-objects": _OTHER_OBJECT,
            "mixed-standby": _NO_MESSAGING,
            "mixed-changes": _NO_MESSAGING,
        },
    ),
    Program(
        name="botbuilder-adapter-facebook",
        registry="npm",
        version="1.0.12",
        script="receivers/botbuilder-adapter-facebook.js",
        beside=("botbuilder@4", "express@4", "request@2"),
        differences={
            "sha1-only": _SHA1,
            "mixed-standby": _NO_MESSAGING,
            "mixed-changes": _CHANGES,
            "other-objects": _CHANGES,
        },
    ),
)

# Beside those above, for the faults that affect only these two.
SAMPLE = Program(name="express", registry="npm", version="4.22.3", script="receivers/express.js")
THREAD_SETTINGS = replace(RECEIVERS[1], script="clients/bootbot.js")

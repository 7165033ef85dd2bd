"""Which programs of others are run against the emulator, and where they and it disagree."""

from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Something written by somebody else, at the version that was looked at."""

    name: str
    registry: Literal["npm", "PyPI"]
    version: str
    script: str
    # What must be installed beside it or in place of what it asks for.
    beside: tuple[str, ...] = ()
    overrides: dict[str, str] = field(default_factory=dict)
    # A call or a case, and who is right when it does not come out as expected.
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
            "(Account Linking, Authentication; messenger-platform.md 4.4)",
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
    "the emulator: Meta wants every delivery answered (Webhooks, Getting Started); it answers "
    "nothing unless object is page, so Messenger times out"
)
_NO_MESSAGING = (
    "the emulator: an entry may have standby or changes instead of messaging (Webhooks, standby); "
    "it takes messaging for granted, throws and loses the rest"
)
_CHANGES = (
    "the emulator: a change is no message (Webhooks for Pages, feed); it reads changes as if they "
    "were, throws and answers nothing of its own"
)
RECEIVERS = (
    Program(
        name="bottender",
        registry="npm",
        version="1.5.5",
        script="receivers/bottender.js",
        beside=("express@4",),
        # The newest of it that the registry in use may have.
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
        # What it was written for: with the newest one it does not start.
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

# Beside those above, for the faults that only these two meet.
SAMPLE = Program(name="express", registry="npm", version="4.22.3", script="receivers/express.js")
THREAD_SETTINGS = replace(RECEIVERS[1], script="clients/bootbot.js")

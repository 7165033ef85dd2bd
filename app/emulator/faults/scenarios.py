"""Scenarios: faults under the name of the trouble that an operator knows, with its end."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scenario:
    """Faults that are turned on together; `ends` tells what is seen then, in one sentence."""

    name: str
    title: str
    ends: str
    faults: tuple[str, ...]


_ROWS: Final = (
    Scenario(
        "token-expired",
        "Page token expired",
        "Graph refuses every call, so the log-in page says that the fault is yours, and connects "
        "nobody.",
        ("graph-190",),
    ),
    Scenario(
        "webhook-down",
        "Webhook down",
        "Messenger cannot reach your server, so Log In fails; turn this off and skip an hour, and "
        "a retry connects the person.",
        ("outage",),
    ),
    Scenario(
        "delivered-twice",
        "Delivered twice",
        "Every event comes twice, and counts once: one link, one answer of the bot.",
        ("twice",),
    ),
    Scenario(
        "forged-delivery",
        "Forged delivery",
        "Events are signed with another app’s secret: your server refuses them, and connects "
        "nobody.",
        ("foreign-secret",),
    ),
    Scenario(
        "slow-webhook",
        "Slow webhook",
        "Your answer comes too late, so Messenger says that Log In failed, although your server "
        "has the link.",
        ("webhook-timeout",),
    ),
    Scenario(
        "names-hidden",
        "Names hidden",
        "Messenger does not say who the person is, so the log-in page asks about a profile "
        "without a name.",
        ("profile-withheld", "conversations-refused"),
    ),
    Scenario(
        "europe-page",
        "Page in Europe",
        "Messenger shows no Log In button, and the Log In of the chat’s details opens your page "
        "without the way back: it says so, and connects nobody. Links by m.me work.",
        ("europe-page",),
    ),
)
SCENARIOS: Final = {row.name: row for row in _ROWS}

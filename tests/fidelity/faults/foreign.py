"""Programs of others under a fault: bots that receive, clients that call, a page to log in at."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from tests.emulator.webhook_server import Webhook
from tests.fidelity import clients, receivers
from tests.fidelity.faults.seen import deliveries, shown
from tests.fidelity.programs import CLIENTS, RECEIVERS, SAMPLE, THREAD_SETTINGS
from tests.fidelity.receivers import Bot
from threadlink_testing import Exchange, Messenger, Person

BOTS: Final = {program.name: program for program in (*RECEIVERS, SAMPLE)}
CALLERS: Final = {program.name: program for program in (*CLIENTS, THREAD_SETTINGS)}
_OK: Final = 200


@dataclass
class Foreign:
    """Programs that are started when a fault needs them. Each method returns what one did."""

    messenger: Messenger
    stack: ExitStack
    _bots: dict[str, tuple[Bot, str]] = field(default_factory=dict)

    def aim(self, name: str, *, is_called: bool) -> None:
        """Have Messenger speak to the bot *name*; a client needs somebody who takes its events."""
        if is_called:
            self.messenger.deliver_to(self._webhook())
            return
        bot, url = self._bot(name)
        bot.heard(0)
        self.messenger.set_linking_url(url.replace("/webhook", "/authorize"))
        self.messenger.deliver_to(url)

    def hears(self, name: str, person: Person) -> str:
        """Let a linking event happen; tell how it was delivered, and what the bot heard."""
        person.has("linked", code="tl_4f")
        return self._delivered(name, person)

    def hears_after_a_message(self, name: str, person: Person) -> str:
        """Let a message go before, and have the bot's answer to the linking event lost once."""
        person.says("hello")
        self.messenger.turn_on("webhook-500", 1)
        return self.hears(name, person)

    def hears_both(self, name: str, person: Person) -> str:
        person.has("linked", code="tl_4f")
        person.has("unlinked")
        return self._delivered(name, person)

    def logs_in(self, _name: str, person: Person) -> str:
        """Go through the bot's log-in page, and tell what is shown at the end."""
        window = person.taps_log_in().submits(button="OK")
        self.messenger.settle()
        return f"{shown(window)}; {deliveries(self.messenger, person)}"

    def heard(self, name: str) -> str:
        """Tell what the bot has heard of linking since it was asked last."""
        self.messenger.settle()
        taken = [each for each in self.messenger.received("webhook") if each.status == _OK]
        events = [event for each in taken for event in each.events if "account_linking" in event]
        told = [each["status"] for each in self._bot(name)[0].heard(len(events))]
        return f"heard {', '.join(told) or 'nothing'}"

    def calls(self, name: str, person: Person, call: str, fault: str) -> str:
        """Let a client make one *call* under *fault*; tell what it made of the answer."""
        given = clients.given_for(self.messenger, person)
        before = len(self.messenger.received())
        self.messenger.turn_on(fault)
        told, complaint = clients.run(CALLERS[name], {**given, "only": call})
        answers = [answer for made, answer in told if made == call]
        got = json.dumps(answers[0], ensure_ascii=False) if answers else complaint
        after = self.messenger.received()[before:]
        graph = ", ".join(_answered(each) for each in after if each.kind == "graph")
        webhook = "a webhook" if any(each.kind == "webhook" for each in after) else "no webhook"
        return f"Graph {graph}; {webhook}, it got {got}"

    def _delivered(self, name: str, person: Person) -> str:
        heard = self.heard(name)
        return f"{deliveries(self.messenger, person)}; {heard}"

    def _bot(self, name: str) -> tuple[Bot, str]:
        if name not in self._bots:
            bot = self.stack.enter_context(receivers.running(BOTS[name], self.messenger))
            self._bots[name] = bot, bot.url()
        return self._bots[name]

    def _webhook(self) -> str:
        return self.stack.enter_context(Webhook()).url


def _answered(exchange: Exchange) -> str:
    version = exchange.answer_headers.get("facebook-api-version", "")
    return f"{exchange.status or 'nothing'} {version}".strip()

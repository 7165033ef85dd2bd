"""Programs of others under a fault: bots, Graph clients, and a login page."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from tests.emulator.webhook_server import Webhook
from tests.fidelity import clients, receivers
from tests.fidelity.faults.summaries import deliveries, shown
from tests.fidelity.programs import CLIENTS, RECEIVERS, SAMPLE, THREAD_SETTINGS
from tests.fidelity.receivers import Bot
from threadlink_testing import Exchange, Messenger, Person

BOTS: Final = {program.name: program for program in (*RECEIVERS, SAMPLE)}
CALLERS: Final = {program.name: program for program in (*CLIENTS, THREAD_SETTINGS)}
_OK: Final = 200


@dataclass
class OtherPrograms:
    """Programs that are started on first use. Each situation returns a summary of the result."""

    messenger: Messenger
    stack: ExitStack
    _bots: dict[str, tuple[Bot, str]] = field(default_factory=dict)

    def connect(self, name: str, *, is_called: bool) -> None:
        """Subscribe the bot *name*; for a client, subscribe a webhook that accepts everything."""
        if is_called:
            self.messenger.deliver_to(self._webhook())
            return
        bot, url = self._bot(name)
        bot.heard(0)
        self.messenger.set_linking_url(url.replace("/webhook", "/authorize"))
        self.messenger.deliver_to(url)

    def hears(self, name: str, person: Person) -> str:
        """Send a linking event; return its deliveries, and what the bot received."""
        person.has("linked", code="tl_4f")
        return self._delivered(name, person)

    def hears_after_a_message(self, name: str, person: Person) -> str:
        """Send a linking event after a message, with the bot's answer to it lost once."""
        person.says("hello")
        self.messenger.turn_on("webhook-500", 1)
        return self.hears(name, person)

    def hears_both(self, name: str, person: Person) -> str:
        person.has("linked", code="tl_4f")
        person.has("unlinked")
        return self._delivered(name, person)

    def logs_in(self, _name: str, person: Person) -> str:
        """Log in at the bot's page; return the last page and the deliveries."""
        window = person.taps_log_in().submits(button="OK")
        self.messenger.settle()
        return f"{shown(window)}; {deliveries(self.messenger, person)}"

    def hears_of_a_link(self, _name: str, person: Person) -> str:
        """Follow an m.me link into a chat with messages, and write again."""
        person.says("hello")
        person.opens(f"{self.messenger.m_me_url}/{person.page_id}?ref=summer-26")
        person.says("here I am")
        self.messenger.settle()
        return deliveries(self.messenger, person)

    def heard(self, name: str) -> str:
        """Return the linking events that the bot has received since the last call."""
        self.messenger.settle()
        accepted = [each for each in self.messenger.received("webhook") if each.status == _OK]
        events = [event for each in accepted for event in each.events if "account_linking" in event]
        statuses = [each["status"] for each in self._bot(name)[0].heard(len(events))]
        return f"heard {', '.join(statuses) or 'nothing'}"

    def calls(self, name: str, person: Person, call: str, *faults: str) -> str:
        """Run one *call* of a client under *faults*; return Graph's answers and its result."""
        given = clients.given_for(self.messenger, person)
        before = len(self.messenger.received())
        for fault in faults:
            self.messenger.turn_on(fault)
        made, errors = clients.run(CALLERS[name], {**given, "only": call})
        answers = [answer for name_of_call, answer in made if name_of_call == call]
        got = json.dumps(answers[0], ensure_ascii=False) if answers else errors
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

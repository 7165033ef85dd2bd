"""The worker's handlers that write into chats: the question of an invitation, and short messages.

A message that was sent may have arrived although its answer was lost, so it is repeated at most
twice, and what comes later than its invitation lasts is not sent at all. Neither becomes a dead
letter: nobody wants to read it hours later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from app.accounts.rate_limit_keys import RateLimitKeys
from app.infra.database.portions import Transactions
from app.infra.network.http_client import Deadline
from app.infra.observability import metrics
from app.linking import chat_questions, invitation_secrets
from app.linking.chat_messages import Said, Say, Text, invitation_in
from app.linking.chat_questions import Named, ToAsk
from app.linking.values import NameOutcome
from app.messenger.chat_tokens import DISCONNECT, NO, YES
from app.messenger.display_names import clean_name, resembles
from app.messenger.errors import GraphError, GraphRefused
from app.messenger.graph.profiles import Profile
from app.messenger.types import PageId, Psid
from app.outbox.handlers import Handler, RetryLater
from app.outbox.queue import Claim

log = structlog.get_logger()

# For the name and the message together: the person looks at the chat.
PATIENCE_S: Final = 2.0
MOST_TRIES: Final = 3
# Later it answers nothing that anybody still waits for.
SAID_WITHIN: Final = timedelta(minutes=5)
CONCURRENCY: Final = 4


class ChatClient(Protocol):
    """The part of a page's Graph client that writes into chats."""

    def profile(
        self, psid: Psid, *, with_picture: bool = True, deadline: Deadline | None = None
    ) -> Profile: ...

    def send_text(self, psid: Psid, text: str, *, deadline: Deadline | None = None) -> str: ...

    def send_postbacks(
        self,
        psid: Psid,
        text: str,
        payloads: Mapping[str, str],
        *,
        deadline: Deadline | None = None,
    ) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatWriter:
    """Writes into the chats of the pages that have a client in *graph*."""

    store: Transactions = field(repr=False)
    graph: Mapping[PageId, ChatClient] = field(repr=False)
    say: Say = field(repr=False)
    # The name of a page, as its people know it.
    page_name: Callable[[PageId], str] = field(repr=False)
    # Digits are asked for in every chat, by CONFIRM_IN_CHAT.
    always_digits: bool
    secret_key: str = field(repr=False)
    rate_limit_keys: RateLimitKeys = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)

    def asks(self) -> Handler:
        """Return the handler of items `graph.ask`."""
        return Handler(self._ask, concurrency=CONCURRENCY)

    def says(self) -> Handler:
        """Return the handler of items `graph.say`."""
        return Handler(self._say, concurrency=CONCURRENCY)

    def _ask(self, claim: Claim) -> None:
        invitation_id, number = invitation_in(claim.body)
        asked = self.store.read(
            partial(chat_questions.to_ask, invitation_id=invitation_id, at=self.clock())
        )
        if asked is None or (client := self.graph.get(asked.page_id)) is None:
            return
        deadline = Deadline(PATIENCE_S)
        try:
            named = self._named(asked, client, deadline)
            self._send_question(asked, number, named, client, deadline)
        except GraphError as exc:
            if not isinstance(exc, GraphRefused) and claim.tries < MOST_TRIES:
                raise RetryLater(type(exc).__name__) from exc
            self._refused(asked, exc)

    def _named(self, asked: ToAsk, client: ChatClient, deadline: Deadline) -> Named:
        profile = client.profile(asked.psid, with_picture=False, deadline=deadline)
        name = clean_name(profile.name or "")
        if not name:
            is_away = profile.source == "unavailable"
            return Named(None, NameOutcome.UNAVAILABLE if is_away else NameOutcome.WITHHELD)
        is_like = resembles(name, self.page_name(asked.page_id))
        return Named(name, NameOutcome.LIKE_BRAND if is_like else NameOutcome.NAMED)

    def _send_question(
        self, asked: ToAsk, number: int, named: Named, client: ChatClient, deadline: Deadline
    ) -> None:
        needs_digits = self.always_digits or named.outcome is not NameOutcome.NAMED
        digits = invitation_secrets.new_digits() if needs_digits else None
        is_to_send = self.store.write(
            partial(
                chat_questions.prepare,
                asked=asked,
                number=number,
                named=named,
                digits=digits,
                secret_key=self.secret_key,
                rate_limit_keys=self.rate_limit_keys,
                at=self.clock(),
            )
        )
        if not is_to_send:
            return
        if asked.is_of_other:
            text = self.say(Text.OTHER_ACCOUNT, asked.language)
            client.send_text(asked.psid, text, deadline=deadline)
            return
        values = {"account": asked.display_name or "", "page": self.page_name(asked.page_id)}
        if digits is None:
            text = self.say(Text.QUESTION, asked.language, **values)
            client.send_postbacks(asked.psid, text, self._answers(asked), deadline=deadline)
        else:
            shown = f"{digits[:3]} {digits[3:]}"
            text = self.say(Text.DIGITS, asked.language, code=shown, **values)
            client.send_text(asked.psid, text, deadline=deadline)
        sent = partial(
            chat_questions.record_sent, invitation_id=asked.invitation_id, at=self.clock()
        )
        seconds = self.store.write(sent)
        metrics.count_invitation("asked")
        if seconds is not None:
            metrics.observe_question(seconds)
        log.info("invitation.asked", reference=asked.reference, digits=digits is not None)

    def _answers(self, asked: ToAsk) -> dict[str, str]:
        nonce = invitation_secrets.nonce_for(asked.invitation_id, self.secret_key)
        return {
            self.say(Text.YES, asked.language): f"{YES}{nonce}",
            self.say(Text.NO, asked.language): f"{NO}{nonce}",
        }

    def _refused(self, asked: ToAsk, error: GraphError) -> None:
        self.store.write(
            partial(
                chat_questions.record_refused,
                asked=asked,
                call=error.call or "send_postbacks",
                code=error.code,
                subcode=error.subcode,
                detail=type(error).__name__,
                at=self.clock(),
            )
        )
        metrics.count_invitation("ask_failed")
        log.warning(
            "invitation.ask_failed",
            reference=asked.reference,
            error=type(error).__name__,
            code=error.code,
            subcode=error.subcode,
        )

    def _say(self, claim: Claim) -> None:
        said = Said.from_body(claim.body)
        client = self.graph.get(said.page_id)
        if client is None or self.clock() - claim.created_at > SAID_WITHIN:
            return
        values = {"account": said.name or "", "page": self.page_name(said.page_id)}
        text = self.say(said.text, said.language, **values)
        deadline = Deadline(PATIENCE_S)
        try:
            if said.text is Text.CONNECTED:
                button = {self.say(Text.DISCONNECT, said.language): DISCONNECT}
                client.send_postbacks(said.psid, text, button, deadline=deadline)
            else:
                client.send_text(said.psid, text, deadline=deadline)
        except GraphError as exc:
            if not isinstance(exc, GraphRefused) and claim.tries < MOST_TRIES:
                raise RetryLater(type(exc).__name__) from exc
            log.warning(
                "chat.not_said",
                text=said.text.value,
                reference=said.reference,
                error=type(exc).__name__,
                code=exc.code,
            )

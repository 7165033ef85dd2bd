"""The bot's addresses: for notices about links, and for forwarded webhook deliveries."""

from dataclasses import dataclass, field

from app.infra.settings.nats_url import SCHEMES, NatsAddress, nats_address
from app.infra.settings.parsing import bot_url, installed, webhook_secrets, yes_or_no
from app.infra.settings.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The settings BOT_…; an address may hold a secret in its path, as many bots' do.

    Deliveries go to *messenger_url*, or into the log at *messenger_log*, or to nobody.
    """

    webhook_url: str | None = field(repr=False)
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    messenger_url: str | None = field(repr=False)
    messenger_log: NatsAddress | None
    messenger_linking: bool

    @property
    def gets_deliveries(self) -> bool:
        return self.messenger_url is not None or self.messenger_log is not None


def read_bot(reader: Reader) -> BotSettings:
    """Return the settings that begin with BOT_."""
    messenger = reader.optional("BOT_MESSENGER_URL", url_or_log, None)
    settings = BotSettings(
        webhook_url=reader.optional("BOT_WEBHOOK_URL", bot_url, None),
        webhook_secrets=reader.optional("BOT_WEBHOOK_SECRET", webhook_secrets, ()),
        messenger_url=messenger if isinstance(messenger, str) else None,
        messenger_log=messenger if isinstance(messenger, NatsAddress) else None,
        messenger_linking=reader.optional("BOT_MESSENGER_LINKING", yes_or_no, False),
    )
    if settings.webhook_url:
        reader.need("BOT_WEBHOOK_SECRET", "BOT_WEBHOOK_URL needs BOT_WEBHOOK_SECRET")
    return settings


def url_or_log(text: str) -> str | NatsAddress:
    """Return *text*, which is an address of the bot's, or the log that it reads from."""
    if text.partition("://")[0] in SCHEMES:
        return installed("nats", "nats", nats_address)(text)
    return bot_url(text)

"""The bot's addresses: for notices about links, and for forwarded webhook deliveries."""

from dataclasses import dataclass, field

from app.infra.settings.parsing import bot_url, webhook_secrets, yes_or_no
from app.infra.settings.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The settings BOT_…; an address may hold a secret in its path, as many bots' do."""

    webhook_url: str | None = field(repr=False)
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    messenger_url: str | None = field(repr=False)
    messenger_linking: bool


def read_bot(reader: Reader) -> BotSettings:
    """Return the settings that begin with BOT_."""
    settings = BotSettings(
        webhook_url=reader.optional("BOT_WEBHOOK_URL", bot_url, None),
        webhook_secrets=reader.optional("BOT_WEBHOOK_SECRET", webhook_secrets, ()),
        messenger_url=reader.optional("BOT_MESSENGER_URL", bot_url, None),
        messenger_linking=reader.optional("BOT_MESSENGER_LINKING", yes_or_no, False),
    )
    if settings.webhook_url:
        reader.need("BOT_WEBHOOK_SECRET", "BOT_WEBHOOK_URL needs BOT_WEBHOOK_SECRET")
    return settings

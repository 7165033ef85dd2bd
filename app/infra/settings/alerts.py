"""The operator's address for alerts, which may be that of a chat service."""

from dataclasses import dataclass, field

from app.infra.settings.parsing import endpoint, one_of, webhook_secrets
from app.infra.settings.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """The settings OPERATOR_WEBHOOK_…; an address may hold a secret in its path, as Slack's do."""

    webhook_url: str | None = field(repr=False)
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    # "json" or "slack".
    webhook_format: str


def read_alerts(reader: Reader) -> AlertSettings:
    """Return the settings that begin with OPERATOR_WEBHOOK_."""
    settings = AlertSettings(
        webhook_url=reader.optional("OPERATOR_WEBHOOK_URL", endpoint, None),
        webhook_secrets=reader.optional("OPERATOR_WEBHOOK_SECRET", webhook_secrets, ()),
        webhook_format=reader.optional("OPERATOR_WEBHOOK_FORMAT", one_of("json", "slack"), "json"),
    )
    if settings.webhook_secrets:
        reader.need("OPERATOR_WEBHOOK_URL", "OPERATOR_WEBHOOK_SECRET needs OPERATOR_WEBHOOK_URL")
    return settings

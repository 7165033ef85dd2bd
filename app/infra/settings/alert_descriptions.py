"""The meaning of the settings of the operator's address for alerts."""

from typing import Final

from app.infra.settings.description import Description

ALERTS: Final = (
    Description(
        "OPERATOR_WEBHOOK_URL",
        "The address to which faults are posted that Threadlink finds, and that they are over: "
        "your own program's, or a chat service's. https, or http to this machine. "
        "[What is told](operations.md#alerts-without-prometheus).",
        example="https://hooks.slack.com/services/T000/B000/XXXX",
    ),
    Description(
        "OPERATOR_WEBHOOK_SECRET",
        "The secret that signs them as Standard Webhooks: `whsec_` and base64 of random bytes, or "
        "two while you change it. Without it they are not signed, as chat services want it.",
    ),
    Description(
        "OPERATOR_WEBHOOK_FORMAT",
        "`json`: for a program. `slack`: a text, as the incoming webhooks of Slack and of those "
        "like it take it.",
    ),
)

"""The delivery log that the settings name; each kind of log is loaded only where it is named."""

from app.delivery_log.log import DeliveryLog
from app.infra.network.egress import Egress, trusting
from app.infra.settings.nats_url import NatsAddress


def delivery_log_for(address: NatsAddress | None, egress: Egress) -> DeliveryLog | None:
    """Return the log at *address*, not yet connected to; None without an address."""
    if address is None:
        return None
    # A package of its own, which takes a third of a second to load.
    from app.delivery_log.nats_client import Connector  # noqa: PLC0415
    from app.delivery_log.nats_log import NatsLog  # noqa: PLC0415

    return NatsLog(Connector(address, trusting(egress.added_certificates)), address.stream)

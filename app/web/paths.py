"""Paths that programs request: they get no pages, and some are exempt from the checks of others."""

from typing import Final

API: Final = "/api/"
WEBHOOK: Final = "/webhook"
READINESS: Final = "/readyz"
# The callbacks that Meta posts to; what it shows to people is beside them.
PRIVACY_CALLBACKS: Final = ("/privacy/data-deletion", "/privacy/deauthorize")
# Requested by machines that know the server by its address, not by its name.
MONITORING: Final = ("/healthz", READINESS, "/metrics")

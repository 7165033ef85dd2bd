"""Paths that programs request: they get no pages, and some are exempt from the checks of others."""

from typing import Final

API: Final = "/api/"
WEBHOOK: Final = "/webhook"
READINESS: Final = "/readyz"
# Requested by machines that know the server by its address, not by its name.
MONITORING: Final = ("/healthz", READINESS, "/metrics")

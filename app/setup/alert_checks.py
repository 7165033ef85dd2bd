"""The check of the operator's address for alerts."""

from typing import Final

import requests

from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import Egress
from app.infra.network.http_client import new_session
from app.setup.findings import Finding, ok, problem
from app.setup.http_get import get

TOTAL_S: Final = 10


def check_operator_webhook(url: str, egress: Egress) -> Finding:
    """Report whether OPERATOR_WEBHOOK_URL answers; nothing is posted.

    The address is not told: a chat service's has its secret in the path.
    """
    subject = "address for alerts"
    try:
        with new_session(egress) as session:
            get(session, url, total_s=TOTAL_S)
    except requests.RequestException as exc:
        fault = connection_fault(exc)
        words = fault.words if fault else type(exc).__name__
        fix = fault.fix if fault else ""
        return problem(subject, f"does not answer: {words}", fix or "OPERATOR_WEBHOOK_URL")
    # Which status a GET gets is the receiver's matter.
    return ok(subject, "answers; the whole way is tried by: threadlink alerts test")

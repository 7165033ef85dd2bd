"""Signed requests as Meta makes them, and rows of a person in every table that may hold one."""

import base64
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.infra import clock
from app.services.container import Services
from tests.installation import ENVIRONMENT

USER_ID = "218471000000001"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_request(
    content: object = None, *, secret: str = ENVIRONMENT["APP_SECRET"], raw: bytes | None = None
) -> str:
    """Return *content*, or the bytes *raw* in its place, as Meta signs it."""
    payload = encoded(raw if raw is not None else json.dumps(content or asked()).encode())
    mac = hmac.digest(secret.encode(), payload.encode(), "sha256")
    return f"{encoded(mac)}.{payload}"


def asked(at: datetime | None = None, **changed: Any) -> dict[str, Any]:
    """Return what Meta says of a person who wants their data deleted, as its page has it."""
    at = at or clock.now()
    content = {
        "user_id": USER_ID,
        "algorithm": "HMAC-SHA256",
        "issued_at": int(at.timestamp()),
        "expires": int((at + timedelta(hours=1)).timestamp()),
        **changed,
    }
    return {name: value for name, value in content.items() if value is not None}


def count(services: Services, table: type) -> int:
    def query(session: Session) -> int:
        return session.query(table).count()

    return services.read(query)

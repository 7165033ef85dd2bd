"""Threadlink as an operator has set it up, for tests."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import URL

from app.accounts import local
from app.infra.settings.settings import Settings
from app.messenger.types import PageId, Psid
from app.services.container import Services
from app.services.settings import settings_from_env

NOON: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

PAGE: Final = PageId("1717527131834678")
OTHER_PAGE: Final = PageId("2817527131834679")
ANA: Final = Psid("1256217357730577")
BEN: Final = Psid("9956217357730578")

PUBLIC_URL: Final = "http://127.0.0.1:8000"
USERNAME: Final = "jane@example.com"
PASSWORD: Final = "quiet harbour, four gulls"

# What a .env would hold. The canary test looks for these texts where they must not be.
ENVIRONMENT: Final = {
    "SECRET_KEY": "canary-secret-key-Zk3yTq8vRw2mXc6nBh4j",
    "PUBLIC_URL": PUBLIC_URL,
    "APP_ID": "100200300400500",
    "APP_SECRET": "canary-app-secret-60efff025951cddde78c",
    "VERIFY_TOKEN": "canary-verify-token-meatyhamhock",
    "PAGE_ID": PAGE,
    "PAGE_ACCESS_TOKEN": "EAAcanarypagetoken0123456789",
    "LOG_LEVEL": "warning",
}


def settings_for(database: URL, **changed: str) -> Settings:
    """Return settings that every check accepts; *changed* are names and texts of the environment.

    An empty text takes a setting out.
    """
    address = database.render_as_string(hide_password=False)
    return settings_from_env({**ENVIRONMENT, "DATABASE_URL": address, **changed})


def add_jane(services: Services) -> str:
    """Add the account of USERNAME and PASSWORD; return its subject."""
    password_hash = services.hasher.hash(PASSWORD)
    return services.write(local.add, USERNAME, None, password_hash, at=NOON)

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class ApiKey(Base):
    """The API key of one of the business's programs. A revoked key stays, to be listed."""

    __tablename__ = "api_key"

    # Part of the key itself, so that one read finds the row.
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    # SHA-256 of the whole key: a copy of this table is of no use to call the API.
    hash: Mapped[str] = mapped_column(String(64))
    # Separated by spaces.
    scopes: Mapped[str] = mapped_column(String(100))
    # Null: all pages.
    page_id: Mapped[str | None] = mapped_column(String(64))
    # For whose users it may invite; null in keys without that scope.
    issuer: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Written once a minute at most.
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The key was sent in a URL, and so is in logs of other programs.
    exposed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

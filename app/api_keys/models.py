from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class ApiKey(Base):
    """What one program of the business may ask; a key that is revoked stays, to be seen."""

    __tablename__ = "api_key"

    # Stands in the key itself, so that one read finds the row.
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    # Of the whole key: with a copy of this table nobody can ask anything.
    hash: Mapped[str] = mapped_column(String(64))
    # Separated by spaces.
    scopes: Mapped[str] = mapped_column(String(100))
    # Null: all pages.
    page_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Written once a minute at most.
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # It came in an address, and so stands in logs that are not ours.
    exposed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

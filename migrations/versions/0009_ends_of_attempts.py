"""Indexes by which the attempts of a user, and those of a Messenger person, are found and ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES = (
    ("ix_attempt_user", ["issuer", "subject"], sa.text("subject IS NOT NULL")),
    ("ix_attempt_person", ["page_id", "psid"], sa.text("psid IS NOT NULL")),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        for name, columns, where in INDEXES:
            op.create_index(name, "attempt", columns, sqlite_where=where)
        return
    # CREATE INDEX CONCURRENTLY runs outside of a transaction. If it is interrupted, an invalid
    # index remains, so each index is dropped first.
    with op.get_context().autocommit_block():
        for name, columns, where in INDEXES:
            op.drop_index(name, "attempt", postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, "attempt", columns, postgresql_where=where, postgresql_concurrently=True
            )


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, "attempt")

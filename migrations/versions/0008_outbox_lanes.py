"""Indexes for items that were never tried and for retries, in place of one for both."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

LANES = {
    "ix_outbox_fresh": (["kind", "id"], "state = 'waiting' AND tries = 0"),
    "ix_outbox_retries": (["kind", "not_before", "id"], "state = 'waiting' AND tries > 0"),
}
BEFORE = {"ix_outbox_due": (["kind", "not_before", "id"], "state = 'waiting'")}


def upgrade() -> None:
    _replace(BEFORE, LANES)


def downgrade() -> None:
    _replace(LANES, BEFORE)


def _replace(old: dict[str, tuple[list[str], str]], new: dict[str, tuple[list[str], str]]) -> None:
    """Build the indexes *new*, then drop *old*; on PostgreSQL while deliveries come in."""
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            _build(new, concurrently=True)
            for name in old:
                op.drop_index(name, "outbox", postgresql_concurrently=True, if_exists=True)
        return
    _build(new, concurrently=False)
    for name in old:
        op.drop_index(name, "outbox")


def _build(indexes: dict[str, tuple[list[str], str]], *, concurrently: bool) -> None:
    for name, (columns, condition) in indexes.items():
        # An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index (PostgreSQL 17).
        op.drop_index(name, "outbox", postgresql_concurrently=concurrently, if_exists=True)
        where = sa.text(condition)
        op.create_index(
            name,
            "outbox",
            columns,
            sqlite_where=where,
            postgresql_where=where,
            postgresql_concurrently=concurrently,
        )

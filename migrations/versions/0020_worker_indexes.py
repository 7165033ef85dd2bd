"""Indexes of workers: one that cannot start comes again for days, and leaves a row each time."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES: dict[str, tuple[str, str | None]] = {
    "ix_worker_beat_at": ("beat_at", None),
    "ix_worker_looked_at": ("looked_at", "looked_at IS NOT NULL"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # As for other tables: workers of the former version write to it meanwhile.
        with op.get_context().autocommit_block():
            _build(concurrently=True)
    else:
        _build(concurrently=False)


def downgrade() -> None:
    for name in reversed(INDEXES):
        op.drop_index(name, "worker")


def _build(*, concurrently: bool) -> None:
    for name, (column, condition) in INDEXES.items():
        # An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index (PostgreSQL 17).
        op.drop_index(name, "worker", postgresql_concurrently=concurrently, if_exists=True)
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name,
            "worker",
            [column],
            sqlite_where=where,
            postgresql_where=where,
            postgresql_concurrently=concurrently,
        )

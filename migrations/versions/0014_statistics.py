"""The conclusions of attempts, and counts of them by day that outlive the attempts."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

UNSETTLED = "settled_at IS NULL"


def upgrade() -> None:
    # Attempts of before have no events, so that their causes are not known: they are not counted.
    # Nor are those that the former version opens while both run. A default that is one value
    # rewrites no row.
    now = datetime.now(UTC)
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if not is_postgresql:
        now = now.replace(tzinfo=None)
    default = now.isoformat(sep=" ", timespec="microseconds")
    for column in (
        sa.Column("settled_at", sa.DateTime(timezone=True), server_default=default),
        sa.Column("stage", sa.String(16), nullable=True),
        sa.Column("cause", sa.String(32), nullable=True),
    ):
        # They remain on PostgreSQL if the index is interrupted.
        op.add_column("attempt", column, if_not_exists=is_postgresql or None)
    _create_index("ix_attempt_unsettled", ["opened_at"])
    op.create_table(
        "attempt_daily",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("page_id", sa.String(64), nullable=False),
        sa.Column("authenticator", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "page_id", "authenticator", "stage", "cause", name=op.f("pk_attempt_daily")
        ),
    )
    op.create_table(
        "link_time_daily",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("page_id", sa.String(64), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "page_id", "bucket", name=op.f("pk_link_time_daily")),
    )


def _create_index(name: str, columns: list[str]) -> None:
    where = sa.text(UNSETTLED)
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, "attempt", columns, sqlite_where=where)
        return
    # CREATE INDEX CONCURRENTLY runs outside of a transaction. If it is interrupted, an invalid
    # index remains, so the index is dropped first.
    with op.get_context().autocommit_block():
        op.drop_index(name, "attempt", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name, "attempt", columns, postgresql_where=where, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_table("link_time_daily")
    op.drop_table("attempt_daily")
    op.drop_index("ix_attempt_unsettled", "attempt")
    for column in ("cause", "stage", "settled_at"):
        op.drop_column("attempt", column)

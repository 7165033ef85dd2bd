"""Requests to disconnect or to erase somebody, of Meta's privacy callbacks and of operators."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_OPEN = sa.text("done_at IS NULL")
_CLOSED = sa.text("done_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "privacy_request",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(64), nullable=True),
        sa.Column("user_id", sa.String(64), nullable=True),
        sa.Column("people", sa.String(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_privacy_request")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_privacy_request_code_hash")),
    )
    op.create_index(
        "ix_privacy_request_closed",
        "privacy_request",
        ["done_at"],
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    )
    op.create_index(
        "ix_privacy_request_open",
        "privacy_request",
        ["asked_at"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_table("privacy_request")

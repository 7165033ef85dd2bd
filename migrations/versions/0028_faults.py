"""The faults that the operator is told of, and when each worker began."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "fault",
        sa.Column("cause", sa.String(96), nullable=False),
        sa.Column("page_id", sa.String(64), nullable=False),
        sa.Column("sentence", sa.String(600), nullable=False),
        sa.Column("fix", sa.String(600), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.String(16), nullable=True),
        sa.Column("found_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("over_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("cause", "page_id", name=op.f("pk_fault")),
    )
    op.add_column("worker", sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("worker", "started_at")
    op.drop_table("fault")

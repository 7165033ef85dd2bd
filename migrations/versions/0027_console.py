"""What the console shows: the findings of the last look at Meta, and indexes for its lists."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES: dict[str, tuple[list[str], str]] = {
    "ix_attempt_cause": (["cause", "opened_at"], "cause IS NOT NULL"),
    "ix_attempt_page": (["page_id", "opened_at"], "settled_at IS NOT NULL"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # People sign in meanwhile, by processes of the former version.
        with op.get_context().autocommit_block():
            _build(concurrently=True)
    else:
        _build(concurrently=False)
    op.create_table(
        "setup_finding",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("words", sa.String(1000), nullable=False),
        sa.Column("fix", sa.String(1000), nullable=False),
        sa.Column("is_unchecked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_setup_finding")),
    )
    op.create_table(
        "meta_look",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meta_look")),
    )


def downgrade() -> None:
    op.drop_table("meta_look")
    op.drop_table("setup_finding")
    for name in reversed(INDEXES):
        op.drop_index(name, "attempt")


def _build(*, concurrently: bool) -> None:
    for name, (columns, condition) in INDEXES.items():
        # An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index (PostgreSQL 17).
        op.drop_index(name, "attempt", postgresql_concurrently=concurrently, if_exists=True)
        where = sa.text(condition)
        op.create_index(
            name,
            "attempt",
            columns,
            sqlite_where=where,
            postgresql_where=where,
            postgresql_concurrently=concurrently,
        )

"""The attempt that a notice is about, by which its timeline finds it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

NAME = "ix_outbox_reference"
WHERE = "reference IS NOT NULL"


def upgrade() -> None:
    column = sa.Column("reference", sa.String(16), nullable=True)
    if op.get_bind().dialect.name == "postgresql":
        # CREATE INDEX CONCURRENTLY runs outside of a transaction, while the table is in use. If it
        # is interrupted, the column and an invalid index remain, which is dropped first.
        op.add_column("outbox", column, if_not_exists=True)
        with op.get_context().autocommit_block():
            op.drop_index(NAME, "outbox", postgresql_concurrently=True, if_exists=True)
            op.create_index(
                NAME,
                "outbox",
                ["reference"],
                postgresql_where=sa.text(WHERE),
                postgresql_concurrently=True,
            )
    else:
        op.add_column("outbox", column)
        op.create_index(NAME, "outbox", ["reference"], sqlite_where=sa.text(WHERE))


def downgrade() -> None:
    op.drop_index(NAME, "outbox")
    op.drop_column("outbox", "reference")

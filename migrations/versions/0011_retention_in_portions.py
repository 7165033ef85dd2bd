"""Indexes by which retention and figures find their rows, and a count of dropped deliveries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES = (
    ("ix_outbox_kept", "outbox", ["kind", "state", "created_at"], "state <> 'done'"),
    ("ix_outbox_done", "outbox", ["not_before"], "state = 'done'"),
    (
        "ix_attempt_messenger_name",
        "attempt",
        ["opened_at"],
        "(messenger_name IS NOT NULL OR memo IS NOT NULL)",
    ),
    ("ix_attempt_display_name", "attempt", ["opened_at"], "display_name IS NOT NULL"),
    ("ix_attempt_unconfirmed", "attempt", ["opened_at"], "confirmed_at IS NULL"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # CREATE INDEX CONCURRENTLY runs outside of a transaction, while the tables are in use. If
        # it is interrupted, an invalid index remains, so each index is dropped first.
        with op.get_context().autocommit_block():
            for name, table, columns, where in INDEXES:
                op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
                op.create_index(
                    name,
                    table,
                    columns,
                    postgresql_where=sa.text(where),
                    postgresql_concurrently=True,
                )
    else:
        for name, table, columns, where in INDEXES:
            op.create_index(name, table, columns, sqlite_where=sa.text(where))
    counter = op.create_table(
        "outbox_dropped",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_dropped")),
    )
    op.bulk_insert(counter, [{"id": 1, "dropped": 0, "reported": 0}])


def downgrade() -> None:
    op.drop_table("outbox_dropped")
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)

"""The target of each outbox item, and a record of what was forwarded."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("head", sa.String(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_outbox_kind_digest"), ["kind", "digest"])
        batch_op.drop_index("ix_outbox_waiting", sqlite_where=WAITING, postgresql_where=WAITING)
        batch_op.create_index(
            "ix_outbox_due",
            ["kind", "not_before", "id"],
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        )


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE state = 'done'")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index("ix_outbox_due", sqlite_where=WAITING, postgresql_where=WAITING)
        batch_op.create_index(
            "ix_outbox_waiting",
            ["not_before"],
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        )
        batch_op.drop_constraint(batch_op.f("uq_outbox_kind_digest"), type_="unique")
        batch_op.drop_column("head")
        batch_op.drop_column("digest")

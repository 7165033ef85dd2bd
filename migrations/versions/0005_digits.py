"""The six digits of CONFIRM_IN_CHAT: their hash, and counts of messages and tries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("attempt") as batch_op:
        batch_op.add_column(sa.Column("digits_hash", sa.String(length=64), nullable=True))
        for name in ("digits_sent", "digits_tried"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("attempt") as batch_op:
        for name in ("digits_tried", "digits_sent", "digits_hash"):
            batch_op.drop_column(name)

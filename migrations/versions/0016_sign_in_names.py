"""Keyed hashes of the names by which users have signed in, for support staff to find them by."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sign_in_name",
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("needed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", "issuer", "subject", name=op.f("pk_sign_in_name")),
    )
    op.create_index("ix_sign_in_name_issuer_subject", "sign_in_name", ["issuer", "subject"])
    op.create_index("ix_sign_in_name_needed_at", "sign_in_name", ["needed_at"])


def downgrade() -> None:
    op.drop_table("sign_in_name")

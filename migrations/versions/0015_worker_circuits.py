"""The circuits that a worker's failing targets have opened, reported with its heartbeat."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("worker", sa.Column("circuits", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("worker", "circuits")

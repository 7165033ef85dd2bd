"""Where Messenger has the picture of a person, for as long as their attempt is under way."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("picture_url", sa.String(2048), nullable=True))


def downgrade() -> None:
    op.drop_column("attempt", "picture_url")

"""The last delivery of each outcome, found by an index: the overview and `doctor` ask for it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEX = "ix_intake_outcome"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Deliveries are counted meanwhile, by processes of the former version.
        with op.get_context().autocommit_block():
            _build(concurrently=True)
    else:
        _build(concurrently=False)


def downgrade() -> None:
    op.drop_index(INDEX, "intake")


def _build(*, concurrently: bool) -> None:
    # An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index (PostgreSQL 17).
    op.drop_index(INDEX, "intake", postgresql_concurrently=concurrently, if_exists=True)
    op.create_index(INDEX, "intake", ["outcome", "minute_at"], postgresql_concurrently=concurrently)

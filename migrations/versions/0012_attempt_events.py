"""The events of attempts: what a person saw, and what stood in their way."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    # First, since it ends the transaction on PostgreSQL: what came before could not be repeated.
    _index_attempts()
    op.create_table(
        "attempt_event",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("subcode", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(160), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_id", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint(
            "reference", "kind", "subject", "code", "subcode", name=op.f("pk_attempt_event")
        ),
    )
    op.create_index(op.f("ix_attempt_event_last_at"), "attempt_event", ["last_at"])
    refused = sa.text("kind = 'entry_refused'")
    op.create_index(
        "ix_attempt_event_refused",
        "attempt_event",
        ["last_at"],
        sqlite_where=refused,
        postgresql_where=refused,
    )


def _index_attempts() -> None:
    """Index the attempts that retention deletes first: in which nobody was recognised."""
    name, columns = "ix_attempt_unrecognised", ["opened_at"]
    which = sa.text("(confirmed_at IS NULL AND psid IS NULL)")
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, "attempt", columns, sqlite_where=which)
        return
    # As in revision 0011: while the table is in use, and after an interruption again.
    with op.get_context().autocommit_block():
        op.drop_index(name, "attempt", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name, "attempt", columns, postgresql_where=which, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index("ix_attempt_unrecognised", "attempt")
    op.drop_table("attempt_event")

"""Texts that the bot gives with a Log In button; subjects that the business gives its accounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    # It remains on PostgreSQL if the index is interrupted.
    column = sa.Column("state_ref", sa.String(128), nullable=True)
    op.add_column("attempt", column, if_not_exists=is_postgresql or None)
    _index_attempts(is_postgresql=is_postgresql)
    op.create_table(
        "resume",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("page_id", sa.String(64), nullable=False),
        sa.Column("psid", sa.String(64), nullable=False),
        sa.Column("text", sa.String(512), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resume")),
    )
    op.create_index(op.f("ix_resume_created_at"), "resume", ["created_at"])
    op.create_index(op.f("ix_resume_page_id_psid"), "resume", ["page_id", "psid"])
    op.add_column(
        "account",
        sa.Column("subject_is_own", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table(
        "retired_subject",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_retired_subject")),
    )
    kept = sa.text("subject IS NOT NULL")
    op.create_index(
        "ix_retired_subject_kept",
        "retired_subject",
        ["retired_at"],
        sqlite_where=kept,
        postgresql_where=kept,
    )


def _index_attempts(*, is_postgresql: bool) -> None:
    name, columns, which = "ix_attempt_state", ["opened_at"], sa.text("state_ref IS NOT NULL")
    if not is_postgresql:
        op.create_index(name, "attempt", columns, sqlite_where=which)
        return
    # As in revision 0011: while the table is in use, and after an interruption again.
    with op.get_context().autocommit_block():
        op.drop_index(name, "attempt", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name, "attempt", columns, postgresql_where=which, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_table("retired_subject")
    op.drop_column("account", "subject_is_own")
    op.drop_table("resume")
    op.drop_index("ix_attempt_state", "attempt")
    op.drop_column("attempt", "state_ref")

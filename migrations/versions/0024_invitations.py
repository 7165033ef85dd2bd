"""Invitations: links that begin on the business's own site; and the issuer of an API key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_HAS_PSID = sa.text("psid IS NOT NULL")
_NEVER_CLAIMED = sa.text("psid IS NULL")
_HAS_NAMES = sa.text("(display_name IS NOT NULL OR messenger_name IS NOT NULL)")


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("page_id", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("display_name", sa.String(255), nullable=True),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=True),
        sa.Column("api_key_id", sa.String(16), nullable=True),
        sa.Column("ref_hash", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("handoff_hash", sa.String(64), nullable=True),
        sa.Column("resume", sa.String(512), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("psid", sa.String(64), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_via", sa.String(16), nullable=True),
        sa.Column("messenger_name", sa.String(255), nullable=True),
        sa.Column("name_outcome", sa.String(16), nullable=True),
        sa.Column("nonce_hash", sa.String(64), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digits_hash", sa.String(64), nullable=True),
        sa.Column("digits_sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digits_tried", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accept_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_as", sa.String(16), nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("reference", name=op.f("uq_invitation_reference")),
        sa.UniqueConstraint("ref_hash", name=op.f("uq_invitation_ref_hash")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invitation_code_hash")),
        sa.UniqueConstraint("handoff_hash", name=op.f("uq_invitation_handoff_hash")),
        sa.UniqueConstraint("nonce_hash", name=op.f("uq_invitation_nonce_hash")),
    )
    op.create_index(op.f("ix_invitation_created_at"), "invitation", ["created_at"])
    op.create_index(op.f("ix_invitation_issuer_subject"), "invitation", ["issuer", "subject"])
    op.create_index(op.f("ix_invitation_session_id"), "invitation", ["session_id"])
    _index("ix_invitation_person", ["page_id", "psid"], _HAS_PSID)
    _index("ix_invitation_unclaimed", ["created_at"], _NEVER_CLAIMED)
    _index("ix_invitation_named", ["created_at"], _HAS_NAMES)
    with op.batch_alter_table("api_key") as table:
        table.add_column(sa.Column("issuer", sa.String(255), nullable=True))


def _index(name: str, columns: Sequence[str], which: sa.TextClause) -> None:
    op.create_index(name, "invitation", columns, sqlite_where=which, postgresql_where=which)


def downgrade() -> None:
    with op.batch_alter_table("api_key") as table:
        table.drop_column("issuer")
    op.drop_table("invitation")

"""API keys, and a sequence of changes for clients that mirror the links."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

UNNUMBERED = sa.text("change IS NULL AND issuer IS NOT NULL")
INDEXES = (
    ("ix_link_change", ["change"], None),
    ("ix_link_unnumbered", ["page_id", "psid"], UNNUMBERED),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _number_links_meanwhile()
    else:
        with op.batch_alter_table("link") as batch_op:
            batch_op.add_column(sa.Column("change", sa.BigInteger(), nullable=True))
            for name, columns, where in INDEXES:
                batch_op.create_index(name, columns, sqlite_where=where)
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("page_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    counter = op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_counter")),
    )
    op.bulk_insert(counter, [{"id": 1, "last": 0}])


def _number_links_meanwhile() -> None:
    """Add the column and its indexes while the table is in use.

    CREATE INDEX CONCURRENTLY runs outside of a transaction. If it is interrupted, an invalid index
    remains, so each index is dropped first.
    """
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE link ADD COLUMN IF NOT EXISTS change BIGINT")
        for name, columns, where in INDEXES:
            op.drop_index(name, "link", postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, "link", columns, postgresql_where=where, postgresql_concurrently=True
            )


def downgrade() -> None:
    with op.batch_alter_table("link") as batch_op:
        batch_op.drop_index(
            "ix_link_unnumbered", sqlite_where=UNNUMBERED, postgresql_where=UNNUMBERED
        )
        batch_op.drop_index(batch_op.f("ix_link_change"))
        batch_op.drop_column("change")
    op.drop_table("change_counter")
    op.drop_table("api_key")

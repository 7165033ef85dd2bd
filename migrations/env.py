"""Alembic's entry point. `app.infra.database.schema` opens the connection."""

from alembic import context
from sqlalchemy import Connection

from app.accounts import models as accounts_models
from app.alerts import models as alerts_models
from app.api_keys import models as keys_models
from app.infra.database import schema
from app.infra.database.engine import Base
from app.linking import invitation_models, session_models, statistics_models
from app.linking import models as linking_models
from app.operators import models as operators_models
from app.outbox import models as outbox_models
from app.privacy import models as privacy_models
from app.setup import models as setup_models

# Imported for their tables.
MODELS = (
    accounts_models,
    alerts_models,
    invitation_models,
    keys_models,
    linking_models,
    operators_models,
    outbox_models,
    privacy_models,
    schema,
    session_models,
    statistics_models,
    setup_models,
)


def run(connection: Connection) -> None:
    """Run the migrations that are missing: on SQLite in one transaction, else in one each.

    With PostgreSQL a lock on a table would else be held until the last of them is done.
    """
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite changes a table by copying it to a new one.
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=connection.dialect.name == "postgresql",
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])

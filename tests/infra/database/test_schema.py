import contextlib

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect

from app.api_keys import models as keys_models
from app.infra.database import schema
from app.infra.database.engine import Base
from app.linking import models as linking_models
from app.operators import models as operators_models
from app.outbox import models as outbox_models
from app.privacy import models as privacy_models
from app.setup import models as setup_models

MODELS = (
    keys_models,
    linking_models,
    operators_models,
    outbox_models,
    privacy_models,
    setup_models,
)


def test_migrations_make_the_tables_that_the_models_describe(engine: Engine) -> None:
    """Tests use the models, deployments use the migrations: both make the same tables."""
    with engine.connect() as connection:
        differences = compare_metadata(_context(connection), Base.metadata)

    assert [] == differences


def test_partial_indexes_are_partial_in_the_database(engine: Engine) -> None:
    """Alembic does not compare the conditions of indexes."""
    indexes = {
        str(index["name"]): index
        for table in ("attempt", "outbox")
        for index in inspect(engine).get_indexes(table)
    }
    where = f"{engine.dialect.name}_where"

    assert "confirmed_at" in str(
        indexes["uq_attempt_token_hash_confirmed"]["dialect_options"][where]
    )
    for name in ("ix_outbox_fresh", "ix_outbox_retries"):
        assert "waiting" in str(indexes[name]["dialect_options"][where])


def test_every_migration_can_be_undone_and_repeated(engine: Engine) -> None:
    schema.downgrade(engine, "base")
    left = set(inspect(engine).get_table_names()) - {"alembic_version"}
    schema.upgrade(engine)

    assert set() == left
    assert schema.status(engine).is_current


def test_an_upgrade_that_was_interrupted_can_be_repeated(engine: Engine) -> None:
    """PostgreSQL makes indexes outside of the transaction, so that what came before them stays."""
    schema.downgrade(engine, "base")
    interrupted = set[str]()

    def interrupt(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "INDEX CONCURRENTLY" in statement and statement not in interrupted:
            interrupted.add(statement)
            raise InterruptedError(statement)

    event.listen(engine, "before_cursor_execute", interrupt)
    count = -1
    while count < len(interrupted):
        count = len(interrupted)
        with contextlib.suppress(InterruptedError):
            schema.upgrade(engine)
    event.remove(engine, "before_cursor_execute", interrupt)

    assert bool(interrupted) is (engine.dialect.name == "postgresql")
    assert schema.status(engine).is_current


def test_an_upgrade_of_current_tables_changes_nothing(engine: Engine) -> None:
    before = schema.status(engine)

    schema.upgrade(engine)

    assert before == schema.status(engine)
    assert before.is_current


def test_a_database_without_tables_is_not_current(engine: Engine) -> None:
    schema.downgrade(engine, "base")

    found = schema.status(engine)

    assert found.present is None
    assert not found.is_current


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True})

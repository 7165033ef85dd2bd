"""A read of the console is given up in time, and its connection serves on."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.infra.database.bounded_read import bounded
from app.infra.database.writer import NotCommitted, Writer

# Some minutes of counting on either database.
ENDLESS = text(
    "WITH RECURSIVE counted(n) AS "
    "(SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000000000) "
    "SELECT count(*) FROM counted"
)


def count_for_ever(session: Session) -> object:
    return session.scalar(ENDLESS)


def count_one(session: Session) -> object:
    return session.scalar(text("SELECT 1"))


def test_a_read_that_takes_too_long_is_given_up_and_the_next_one_is_answered(
    engine: Engine,
) -> None:
    """R142: neither database goes on with what nobody waits for, and none is left half-way."""
    writer = Writer(engine)
    try:
        with pytest.raises(NotCommitted):
            writer.read(bounded, 0.05, count_for_ever)

        assert 1 == writer.read(bounded, 2.0, count_one)
        assert 1 == writer.read(count_one)
    finally:
        writer.close()

"""Retention, end to end: the worker deletes by the settings of its operator (R112)."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.accounts import local
from app.infra import clock
from app.linking import account_changes
from app.linking.models import LinkEvent
from app.services.background import make_worker, sweep
from app.services.container import Services, build
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.installation import ANA, PAGE, USERNAME, settings_for

DAY = timedelta(days=1)


@pytest.mark.usefixtures("jane")
def test_a_deleted_user_is_named_nowhere_any_more(
    services: Services, graph: Graph, person: Person, messenger: Messenger
) -> None:
    """R112: within a day; what stays is a random subject, and ids that mean nothing alone."""
    login = log_in()
    graph.knows(login, ANA, "Ana Berg")
    person.taps_log_in(login)
    person.signs_in()
    messenger.tells(linked(ANA, person.connects(), clock.now()))
    before = everything(services)

    services.write(
        account_changes.close_account,
        partial(local.delete, at=clock.now()),
        USERNAME,
        policy=services.policy,
        at=clock.now(),
    )
    for _ in sweep(services, clock.now() + DAY):
        pass

    after = everything(services)
    assert ("Ana Berg" in before, "j•••@example.com" in before) == (True, True)
    assert ("Ana" in after, "j•••" in after, USERNAME in after) == (False, False, False)
    assert ANA in after


def test_the_worker_keeps_history_as_long_as_the_operator_says(services: Services) -> None:
    """R112: the setting, and not only its default."""
    settings = settings_for(services.settings.database_url, KEEP_HISTORY_DAYS="2")
    services.write(_remember, days=(1, 3))
    operators = build(settings)

    make_worker(operators, "w").run_once()
    operators.close()

    with services.engine.connect() as connection:
        left = connection.execute(text("SELECT reference FROM link_event")).scalars().all()
    assert ["1 days"] == left


def _remember(session: Session, *, days: tuple[int, ...]) -> None:
    # The oldest first, as they come in life.
    for number in sorted(days, reverse=True):
        session.add(
            LinkEvent(
                page_id=PAGE,
                psid=ANA,
                status="linked",
                cause="messenger",
                reference=f"{number} days",
                recorded_at=clock.now() - number * DAY,
            )
        )
        session.flush()


def everything(services: Services) -> str:
    """Return every row of every table."""
    with services.engine.connect() as connection:
        return "\n".join(
            str(tuple(row))
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608 - our own tables
        )

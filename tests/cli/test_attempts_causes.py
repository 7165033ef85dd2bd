"""`attempts causes` tells how far people come, and what keeps the others from a link."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.infra import clock
from app.linking.statistics_models import AttemptsOfDay, LinkTimesOfDay
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import OTHER_PAGE, PAGE
from tests.linking.factories import opened

COUNTED = (
    # Days ago, page, stage, cause, attempts.
    (0, PAGE, "opened", "left_sign_in", 6),
    (1, PAGE, "opened", "graph_token_dead", 1),
    (2, PAGE, "signed_in", "left_confirm", 3),
    (2, OTHER_PAGE, "confirmed", "field_not_subscribed", 2),
    (3, PAGE, "linked", "linked", 1188),
    (10, PAGE, "opened", "cancelled", 50),
)


@pytest.fixture
def counted(services: Services) -> None:
    today = clock.now().date()

    def add(session: Session) -> None:
        for days, page, stage, cause, attempts in COUNTED:
            day = today - timedelta(days=days)
            session.add(
                AttemptsOfDay(
                    day=day,
                    page_id=page,
                    authenticator="local",
                    stage=stage,
                    cause=cause,
                    attempts=attempts,
                )
            )
        for bucket, links in ((30, 600), (60, 500), (0, 88)):
            session.add(LinkTimesOfDay(day=today, page_id=PAGE, bucket=bucket, links=links))

    services.write(add)


@pytest.mark.usefixtures("counted")
def test_it_counts_how_far_people_came_and_why_no_further(operator: Operator) -> None:
    result = operator.types("attempts", "causes")

    head, *lines = result.output.splitlines()
    assert head.endswith(", on all Pages: 1,200 attempts; not over yet: 0")
    assert [
        "  opened        1,200  100 %",
        "  signed in     1,193   99 %",
        "  confirmed     1,190   99 %",
        "  linked        1,188   99 %   half of them within 30 seconds",
        "Why 12 did not end with a link, and who can fix it:",
        "          6   50 %  left_sign_in                person",
        "          3   25 %  left_confirm                person",
        "          2   17 %  field_not_subscribed        operator",
        "          1    8 %  graph_token_dead            operator",
    ] == lines[:-1]
    assert "docs/support.md" in lines[-1]


@pytest.mark.usefixtures("counted")
def test_a_page_is_counted_alone_and_a_longer_time_includes_more(operator: Operator) -> None:
    one = json.loads(operator.types("attempts", "causes", "--page", OTHER_PAGE, "--json").stdout)
    longer = json.loads(operator.types("attempts", "causes", "--days", "30", "--json").stdout)

    assert {"opened": 2, "signed_in": 2, "confirmed": 2, "linked": 0} == one["reached"]
    assert [{"cause": "field_not_subscribed", "fixed_by": "operator", "attempts": 2}] == one[
        "causes"
    ]
    assert one["median_seconds"] is None
    assert 1250 == longer["reached"]["opened"]
    assert "cancelled" == longer["causes"][0]["cause"]


def test_without_attempts_it_says_so(operator: Operator) -> None:
    result = operator.types("attempts", "causes", "--days", "1")

    (line,) = result.output.splitlines()
    assert line.endswith("0 attempts; not over yet: 0")


def test_what_is_under_way_is_told_apart(operator: Operator, services: Services) -> None:
    services.write(opened, at=clock.now())

    assert "0 attempts; not over yet: 1" in operator.types("attempts", "causes").output


def test_a_cause_of_a_former_version_is_counted_as_well(
    operator: Operator, services: Services
) -> None:
    services.write(
        lambda session: session.add(
            AttemptsOfDay(
                day=clock.now().date(),
                page_id=PAGE,
                authenticator="",
                stage="opened",
                cause="gone",
                attempts=1,
            )
        )
    )

    assert "gone                        unknown" in operator.types("attempts", "causes").output

"""`attempts follow` prints each step while a person taps on the phone."""

from datetime import datetime, timedelta

from app.cli.attempts_follow import TimelineFollower
from app.infra import clock
from app.linking import delivery_counts, timeline
from app.services.container import Services
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.installation import ANA


def news(
    services: Services, follower: TimelineFollower, since: datetime, at: datetime
) -> list[str]:
    """Return the new lines, without times and references."""
    services.events.flush()
    timelines = services.read(timeline.timelines_since, since, at=at)
    return [line.split("  ", 2)[2] for line in follower.new_lines(timelines, at=at)]


def test_each_step_is_printed_once_as_it_happens(
    services: Services,
    jane: str,
    graph: Graph,
    person: Person,
    messenger: Messenger,
) -> None:
    assert jane
    since, follower, login = clock.now(), TimelineFollower(), log_in()
    graph.knows(login, ANA)

    person.taps_log_in(login)
    assert ["opened", "sign-in page sent"] == news(services, follower, since, clock.now())
    person.signs_in()
    signed_in, question = news(services, follower, since, clock.now())
    assert "page that asks whether to connect sent" == question
    assert signed_in.startswith("signed in as ")
    code = person.connects()
    assert ["confirmed, sent back to Messenger with a code"] == news(
        services, follower, since, clock.now()
    )
    messenger.tells(linked(ANA, code, clock.now()))
    assert ["linked", "Linked."] == news(services, follower, since, clock.now())
    assert [] == news(services, follower, since, clock.now())


def test_a_wrong_password_is_printed_once(
    services: Services, jane: str, graph: Graph, person: Person
) -> None:
    assert jane
    since, follower, login = clock.now(), TimelineFollower(), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in(password="not this one at all")

    lines = news(services, follower, since, clock.now())
    assert "wrong name or password (local): the account exists, the password is wrong" in lines
    assert [] == news(services, follower, since, clock.now())


def test_a_missing_event_is_reported_and_then_explained(
    services: Services, jane: str, graph: Graph, person: Person
) -> None:
    assert jane
    since, follower, login = clock.now(), TimelineFollower(), log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    person.connects()
    news(services, follower, since, clock.now())
    services.write(delivery_counts.add, {(delivery_counts.minute_of(clock.now()), "refused"): 2})

    (soon,) = news(services, follower, since, clock.now() + timedelta(seconds=21))
    (later,) = news(services, follower, since, clock.now() + timedelta(minutes=3))

    assert "is messaging_account_linking subscribed?" in soon
    assert "2 deliveries came meanwhile and were refused for their signature" in later
    assert "Fix: APP_SECRET" in later


def test_earlier_attempts_are_not_printed(services: Services, person: Person) -> None:
    person.taps_log_in(log_in())

    assert [] == news(services, TimelineFollower(), clock.now(), clock.now())

"""Import of links from before this server."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import link_import, link_queries, links
from app.linking.link_import import OldLink
from app.linking.models import Link, LinkEvent
from app.linking.values import User
from app.messenger.events import AccountUnlinked
from tests.installation import ANA, BEN, NOON, PAGE

JANE = User("local", "jane")


def test_an_old_link_stands_as_if_it_were_ours(session: Session) -> None:
    refused = link_import.take_over(session, [OldLink(PAGE, ANA, JANE)], at=NOON)

    link = link_queries.find_link(session, PAGE, ANA)
    assert frozenset() == refused
    assert link is not None
    assert (JANE, "imported", 1) == (link.user, link.cause, link.version)
    assert ["imported"] == list(session.scalars(select(LinkEvent.cause)))


def test_whatever_messenger_says_is_newer(session: Session) -> None:
    """Its event time is 1970; Messenger's of long ago still ends it."""
    link_import.take_over(session, [OldLink(PAGE, ANA, JANE)], at=NOON)

    long_ago = NOON - timedelta(days=3650)
    links.end_by_event(session, AccountUnlinked(PAGE, ANA, long_ago), at=NOON)

    assert link_queries.find_link(session, PAGE, ANA) is None


def test_a_pair_that_is_known_is_refused_standing_or_ended(session: Session) -> None:
    """What people did here since is worth more than a file from before."""
    link_import.take_over(session, [OldLink(PAGE, ANA, JANE)], at=NOON)
    links.end(session, PAGE, ANA, cause="operator", at=NOON)
    links.end_by_event(session, AccountUnlinked(PAGE, BEN, NOON), at=NOON)
    other = User("local", "omar")

    refused = link_import.take_over(
        session, [OldLink(PAGE, ANA, other), OldLink(PAGE, BEN, other)], at=NOON
    )

    assert {(PAGE, ANA), (PAGE, BEN)} == refused
    assert ["ended", "ended"] == list(session.scalars(select(Link.state)))

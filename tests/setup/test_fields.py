"""Fields of which Meta refuses some: the others are kept, and ours come first."""

from collections.abc import Collection

import pytest

from app.messenger.errors import GraphError, GraphRefused, GraphUnavailable, TokenDead
from app.setup.fields import subscribe_as_far_as_possible

OURS = "messaging_account_linking"


class Page:
    """A page at a Meta that takes no list with one of *refused* in it."""

    def __init__(self, *refused: str, refusal: GraphError | None = None) -> None:
        self.refused = refused
        self.refusal = refusal or GraphRefused("no", code=100)
        self.fields: tuple[str, ...] = ()
        self.states: list[tuple[str, ...]] = []
        self.calls = 0

    def subscribe(self, fields: Collection[str]) -> None:
        self.calls += 1
        if set(fields) & set(self.refused):
            raise self.refusal
        self.fields = tuple(fields)
        self.states.append(self.fields)


def test_what_meta_takes_is_asked_for_once() -> None:
    page = Page()

    taken = subscribe_as_far_as_possible(page.subscribe, ("messages", OURS), needed=(OURS,))

    assert (("messages", OURS), None, 1) == (taken.fields, taken.refusal, page.calls)


def test_a_single_bad_field_costs_no_other_even_for_a_moment() -> None:
    page = Page("leadgen")

    taken = subscribe_as_far_as_possible(
        page.subscribe, ("messages", "leadgen", "feed", OURS), needed=(OURS,)
    )

    assert ("messages", "feed", OURS) == taken.fields == page.fields
    assert [taken.fields] == page.states
    assert taken.refusal is page.refusal


def test_of_several_bad_fields_each_is_left_out() -> None:
    page = Page("leadgen", "feed")

    taken = subscribe_as_far_as_possible(
        page.subscribe, ("leadgen", "messages", "feed", OURS), needed=(OURS,)
    )

    assert {"messages", OURS} == {*taken.fields} == {*page.fields}


@pytest.mark.parametrize("others", [(), ("messages",), ("messages", "leadgen")])
def test_ours_is_never_left_out(others: tuple[str, ...]) -> None:
    page = Page(OURS, "leadgen")

    with pytest.raises(GraphRefused):
        subscribe_as_far_as_possible(page.subscribe, (*others, OURS), needed=(OURS,))

    assert [] == page.states


def test_where_everything_is_refused_nothing_is_unsubscribed() -> None:
    """An undo has no field that is needed."""
    page = Page("messages", "feed")

    with pytest.raises(GraphRefused):
        subscribe_as_far_as_possible(page.subscribe, ("messages", "feed"), needed=())

    assert [] == page.states


def test_no_fields_are_an_end_of_the_subscription() -> None:
    page = Page()

    assert () == subscribe_as_far_as_possible(page.subscribe, (), needed=()).fields
    assert [()] == page.states


@pytest.mark.parametrize(
    "refusal",
    [
        GraphUnavailable("away"),
        TokenDead("expired", code=190),
        GraphRefused("the callback did not answer", code=2200),
    ],
    ids=lambda exc: type(exc).__name__,
)
def test_what_is_not_about_a_field_is_not_asked_again(refusal: GraphError) -> None:
    page = Page("leadgen", refusal=refusal)

    with pytest.raises(type(refusal)):
        subscribe_as_far_as_possible(page.subscribe, ("leadgen", OURS), needed=(OURS,))

    assert 1 == page.calls

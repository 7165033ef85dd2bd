"""The one table of Graph's errors: rows, look-up and consequences."""

import re
from inspect import getsource

import pytest

from app.emulator.faults.fault import GraphError as EmulatedError
from app.emulator.faults.table import FAULTS
from app.emulator.graph import problems
from app.messenger.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    GraphUnreachable,
    PermissionMissing,
    TokenDead,
)
from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.error_table import NOT_LISTED, OTHER_PAGE, row_of, row_of_error
from app.messenger.graph.meanings import CONSEQUENCES, Meaning

SLUGS = {
    "graph_token_dead",
    "graph_permission",
    "graph_region",
    "graph_rate_limited",
    "graph_page_restricted",
    "graph_unavailable",
    "graph_unreachable",
    "graph_other",
}


def test_no_two_rows_answer_the_same_code_subcode_and_call() -> None:
    keys = [(row.code, row.last, row.subcode, row.call) for row in ROWS]

    assert len(set(keys)) == len(keys)


def test_every_row_is_found_by_its_own_numbers() -> None:
    for row in ROWS:
        for code in {row.code, row.last or row.code}:
            assert row is row_of(code, row.subcode, row.call)


def test_every_row_has_a_source_a_sentence_and_a_fix() -> None:
    for row in ROWS:
        assert row.source.startswith("https://"), row
        assert row.sentence.endswith("."), row
        assert row.fix, row


def test_each_meaning_has_a_class_of_its_own_but_for_those_that_nobody_can_tell_apart() -> None:
    assert set(Meaning) == CONSEQUENCES.keys()
    shared = [one.error for one in CONSEQUENCES.values() if one.error is not GraphRefused]

    assert len(set(shared)) == len(shared) == len(Meaning) - 2
    assert {one.slug for one in CONSEQUENCES.values()} >= SLUGS


@pytest.mark.parametrize(
    "error", [fault.error for fault in FAULTS.values() if fault.error is not None], ids=str
)
def test_every_error_of_the_emulator_has_a_row_of_its_own(error: EmulatedError) -> None:
    row = row_of(error.code, error.subcode)

    assert row.meaning is not Meaning.UNKNOWN
    assert row.code <= error.code <= (row.last or row.code)
    assert error.subcode == row.subcode


def test_the_errors_that_follow_from_a_request_have_rows_as_well() -> None:
    """Those that the emulator makes without a fault that is turned on."""
    codes = {int(code) for code in re.findall(r"GraphError\((\d+),", getsource(problems))}

    assert {15, 100, 105, 190, 613, 2200, 2500, 10303} <= codes
    assert Meaning.UNKNOWN not in {row_of(code).meaning for code in codes}


@pytest.mark.parametrize(
    ("code", "subcode", "call", "slug"),
    [
        (190, 463, None, "graph_token_dead"),
        (190, 999, "send_text", "graph_token_dead"),
        (210, None, "recipient_for", "graph_token_dead"),
        (210, None, "profile_name", "name_withheld"),
        (10, None, "recipient_for", "graph_permission"),
        (10, None, "profile_name", "name_withheld"),
        (283, None, "unlink", "graph_permission"),
        (10, 2018336, "recipient_for", "graph_region"),
        (10, 2018336, "profile_name", "name_withheld"),
        (10, None, "conversations", "name_withheld"),
        (230, None, "conversations", "name_withheld"),
        (10, 2018336, "conversations", "name_withheld"),
        (613, None, "conversations", "graph_rate_limited"),
        (190, None, "conversations", "graph_token_dead"),
        (2018047, None, "send_text", "graph_region"),
        (10, 2018047, "send_text", "graph_region"),
        (100, 2018047, "send_text", "graph_other"),
        (80000, None, None, "graph_rate_limited"),
        (80014, None, None, "graph_rate_limited"),
        (80015, None, None, "graph_other"),
        (4, 2018300, None, "graph_rate_limited"),
        (10, 2018300, "send_text", "graph_unavailable"),
        (77, 2018300, "send_text", "graph_unavailable"),
        (10, 1893063, "send_text", "graph_page_restricted"),
        (100, 33, "unlink", "graph_other"),
        (100, 33, "profile_name", "name_withheld"),
        (100, None, "profile_name", "graph_other"),
        (99999, None, None, "graph_other"),
    ],
)
def test_code_subcode_and_call_give_the_row(
    code: int, subcode: int | None, call: str | None, slug: str
) -> None:
    """R104: a subcode counts like a code, and what it means can depend on the call."""
    assert slug == row_of(code, subcode, call).slug


def test_is_transient_is_believed_in_both_directions() -> None:
    """R104: and it makes no lasting error of the token or of the person a passing one."""
    assert Meaning.UNKNOWN is row_of(2, is_transient=False).meaning
    assert Meaning.TRANSIENT is row_of(100, is_transient=True).meaning
    assert Meaning.TRANSIENT is row_of(99999, is_transient=True).meaning
    assert Meaning.TOKEN is row_of(190, is_transient=True).meaning
    assert Meaning.PERSON is row_of(551, is_transient=True).meaning


@pytest.mark.parametrize(
    ("error", "slug", "says"),
    [
        (TokenDead(code=190, subcode=463), "graph_token_dead", "The Page token has expired."),
        (TokenDead("an answer about another page"), "graph_token_dead", OTHER_PAGE.says),
        (GraphUnavailable("ReadTimeout"), "graph_unavailable", "There was no usable answer."),
        (GraphUnreachable("the outgoing proxy …"), "graph_unreachable", "Graph was not reached."),
        (GraphUnavailable(code=100, status=500), "graph_unavailable", "A parameter is wrong"),
        (GraphThrottled(code=9999, status=429), "graph_rate_limited", NOT_LISTED.says),
        (GraphRefused(code=2), "graph_other", "A service of Meta's"),
        (PermissionMissing(code=200), "graph_permission", "A permission is missing"),
    ],
)
def test_an_error_is_explained_by_its_class_and_its_code(
    error: GraphError, slug: str, says: str
) -> None:
    row = row_of_error(error)

    assert slug == row.slug
    assert row.sentence.startswith(says)

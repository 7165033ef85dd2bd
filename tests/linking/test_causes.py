"""Every attempt has one cause of the table, and each cause is reached by what it names."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.linking import values
from app.linking.attempt_events import Kind
from app.linking.attempt_status import LIFE
from app.linking.causes.cause import FixedBy, Stage
from app.linking.causes.table import CAUSES, SECTIONS
from app.linking.conclusion import PATIENCE, REASONS, SO_FAR, Conclusion, conclude
from app.linking.delivery_counts import Seen
from app.linking.models import Attempt, AttemptEvent
from app.linking.obstacles import NEUTRAL, PROBLEM_KINDS, PROBLEM_PAGE
from app.messenger.delivery_shapes import Fault
from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.meanings import CONSEQUENCES, ErrorRow, Meaning
from app.messenger.types import PageId, Psid
from app.web.problems.forms import QUESTION_CHANGED
from app.web.problems.pages import PAGE_PROBLEMS, TOO_LATE
from app.web.problems.programs import API_PROBLEMS
from app.web.problems.table import PROBLEMS, UNFORESEEN, problem_of
from tests.installation import ANA, NOON, PAGE
from tests.linking.factories import SECOND

LATER: Final = NOON + timedelta(days=1)
REFERENCE: Final = "q3m9-7d2k"
# What nobody can fix by doing the same once more.
_AGAIN: Final = re.compile(r"\b(?:try|tap|sign in|log in)\b[^.;]*\bagain\b", re.IGNORECASE)


def attempt(**columns: Any) -> Attempt:
    return Attempt(
        **{
            "id": "id",
            "reference": REFERENCE,
            "page_id": PageId(PAGE),
            "opened_at": NOON,
            "digits_sent": 0,
            "digits_tried": 0,
            **columns,
        }
    )


def event(kind: Kind, second: int = 10, **columns: Any) -> AttemptEvent:
    at = NOON + second * SECOND
    row = {"subject": "", "code": 0, "subcode": 0, "detail": "", "times": 1, "first_at": at}
    return AttemptEvent(reference=REFERENCE, kind=kind.value, **{**row, "last_at": at, **columns})


def page(name: str, second: int = 5) -> AttemptEvent:
    return event(Kind.PAGE_SHOWN, second, subject=name)


def concluded(
    row: Attempt | None, *events: AttemptEvent, seen: Seen | None = None, at: datetime = LATER
) -> Conclusion:
    return conclude(row, events, seen, at=at)


SIGNED_IN: Final = {
    "psid": Psid(ANA),
    "issuer": "local",
    "subject": "jane",
    "signed_in_at": NOON + 20 * SECOND,
}
CONFIRMED: Final = {**SIGNED_IN, "confirmed_at": NOON + 30 * SECOND}
CANCELLED: Final = {"ended_at": NOON + 60 * SECOND, "ended_as": "cancelled"}


def refused(reason: str) -> Attempt:
    return attempt(**CONFIRMED, ended_at=NOON + 40 * SECOND, ended_as="refused", reason=reason)


def graph(code: int, subcode: int = 0, **columns: Any) -> AttemptEvent:
    columns = {"subject": "recipient_for", **columns}
    return event(Kind.GRAPH_FAILED, code=code, subcode=subcode, **columns)


def entry(problem: str) -> tuple[None, AttemptEvent]:
    return None, event(Kind.ENTRY_REFUSED, subject=problem)


Case = tuple[Attempt | None, *tuple[AttemptEvent, ...]]
OF_CODE: Final = attempt(**SIGNED_IN)
# By cause: an attempt that has it, and its events.
CASES: Final[dict[str, Case]] = {
    "cancelled": (attempt(**CANCELLED), page("sign_in")),
    "never_displayed": (attempt(),),
    "left_sign_in": (attempt(), page("sign_in")),
    "left_confirm": (attempt(**SIGNED_IN), page("sign_in"), page("confirm", 21)),
    "left_chat_code": (OF_CODE, page("confirm", 21), event(Kind.CHAT_CODE_SENT, 22)),
    "left_at_provider": (
        attempt(),
        page("sign_in"),
        event(Kind.PROVIDER_LEFT, subject="oidc:google"),
    ),
    "credentials_wrong": (
        attempt(psid=ANA),
        event(Kind.CREDENTIALS_WRONG, subject="local", times=3),
    ),
    "rate_limited": (attempt(), event(Kind.RATE_LIMITED, subject="pair", until_at=LATER)),
    "token_refused": (
        attempt(ended_at=NOON, ended_as="refused", reason=values.TOKEN_REFUSED),
        graph(10303),
    ),
    "token_spent": (attempt(), event(Kind.TOKEN_SPENT)),
    "too_late": (attempt(), event(Kind.TOO_LATE)),
    "authenticator_away": (
        attempt(),
        event(Kind.AUTHENTICATOR_AWAY, subject="ldap:staff", detail="timeout"),
    ),
    "authenticator_misconfigured": (
        attempt(),
        event(Kind.AUTHENTICATOR_MISCONFIGURED, subject="oidc:google", detail="invalid_client"),
    ),
    "provider_refused": (attempt(), event(Kind.PROVIDER_REFUSED, subject="oidc:google")),
    "provider_declined": (attempt(), event(Kind.PROVIDER_DECLINED, subject="oidc:google")),
    "provider_not_offered": (attempt(), event(Kind.PROVIDER_NOT_OFFERED, subject="oidc:google")),
    "cookies_blocked": (attempt(), event(Kind.COOKIE_ABSENT, detail="no_cookies")),
    "page_out_of_date": (attempt(), event(Kind.FORM_REFUSED)),
    "busy": (attempt(), event(Kind.GATE_FULL)),
    "database_away": (attempt(), event(Kind.DATABASE_AWAY)),
    "internal_error": (attempt(), event(Kind.INTERNAL_ERROR, detail="KeyError")),
    "graph_token_dead": (attempt(), graph(190, 463)),
    "graph_permission": (attempt(), graph(200)),
    "graph_region": (attempt(), graph(10, 2018336)),
    "graph_rate_limited": (attempt(), graph(4)),
    "graph_page_restricted": (attempt(), graph(10, 1893063)),
    "graph_unavailable": (attempt(), graph(0, detail="timeout")),
    "graph_unreachable": (
        attempt(),
        graph(0, detail="GraphUnreachable, the outgoing proxy lets nobody through (403)"),
    ),
    "graph_other": (attempt(), graph(987654, detail="trace AbC")),
    "chat_code_not_delivered": (
        OF_CODE,
        event(Kind.CHAT_CODE_NOT_DELIVERED, 22, code=10, subcode=2018278),
    ),
    "chat_code_wrong": (OF_CODE, event(Kind.CHAT_CODE_WRONG, 22)),
    "chat_code_limited": (OF_CODE, event(Kind.CHAT_CODE_LIMITED, 22)),
    "too_many_links": (attempt(**SIGNED_IN), event(Kind.TOO_MANY_LINKS, 22)),
    "linked": (attempt(**CONFIRMED, ended_at=LATER, ended_as="linked"),),
    "waiting": (attempt(**{**CONFIRMED, "confirmed_at": LATER - PATIENCE}),),
    "webhook_silent": (attempt(**CONFIRMED),),
    "webhook_signature": (attempt(**CONFIRMED),),
    "field_not_subscribed": (attempt(**CONFIRMED),),
    "event_late": (refused("expired"),),
    "event_other_person": (refused("other person"),),
    "event_other_page": (refused("other page"),),
    "event_unusable": (refused("unlinked"),),
    "ended_by_us": (refused(values.ENDED_BY_US),),
    "password_changed": (refused(values.PASSWORD_CHANGED),),
    "account_closed": (refused(values.ACCOUNT_CLOSED),),
    "entry_incomplete": entry("link_incomplete"),
    "entry_redirect": entry("redirect_refused"),
    "entry_page_unknown": entry("page_unknown"),
    "entry_ambiguous": entry("link_ambiguous"),
    "entry_state": entry("state_refused"),
    "entry_session": entry("session_over"),
    "entry_handoff": entry("handoff_refused"),
    "entry_person": entry("window_closed"),
    "entry_other": entry("too_slow"),
}
SEEN: Final = {"webhook_signature": Seen(0, 3), "field_not_subscribed": Seen(2, 1)}


@pytest.mark.parametrize("slug", CAUSES)
def test_each_cause_is_concluded_from_what_it_names(slug: str) -> None:
    row, *events = CASES[slug]

    told = concluded(row, *events, seen=SEEN.get(slug))

    assert slug == told.cause.slug
    assert told.cause.stage in {None, told.stage}
    assert not re.search(r"[{}]", told.sentence + told.fix)


def test_the_table_has_no_case_too_many_and_no_slug_twice() -> None:
    assert CASES.keys() == CAUSES.keys()
    assert sum(map(len, SECTIONS.values())) == len(CAUSES)


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_nobody_is_told_to_try_again_what_they_cannot_fix(cause: Any) -> None:
    """Of the causes that the operator fixes, or nobody."""
    if cause.fixed_by in {FixedBy.OPERATOR, FixedBy.NOBODY}:
        assert not _AGAIN.search(f"{cause.sentence} {cause.fix} {cause.answer}")
    if cause.fixed_by in {FixedBy.OPERATOR, FixedBy.SUPPORT, FixedBy.PERSON}:
        assert cause.fix


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_an_answer_to_the_customer_is_one_or_two_sentences_without_internals(cause: Any) -> None:
    assert 1 <= len(re.findall(r"[.!](?: |$)", cause.answer)) <= 2
    assert not re.search(r"[{}]|threadlink|Graph|token|webhook|[A-Z_]{5,}", cause.answer)


def test_every_reason_has_a_cause_of_its_own_or_is_a_fault_of_an_event() -> None:
    reasons = {*values.VOID, values.TOKEN_REFUSED, values.WRONG_DIGITS, values.REGION}

    assert reasons <= REASONS.keys()
    assert set(REASONS.values()) <= CAUSES.keys()
    for fault in (*get_args(Fault), "burnt", "unlinked"):
        expected = REASONS.get(fault, "event_unusable")
        assert expected == concluded(refused(fault)).cause.slug


def test_an_attempt_that_a_region_ended_has_the_codes_of_it() -> None:
    """The page tells none: the reference leads the operator to them."""
    told = concluded(refused(values.REGION), page("sign_in"), graph(10, 2018336))

    assert "graph_region" == told.cause.slug
    assert "code 10, subcode 2018336" in told.sentence
    assert "graph_region" == concluded(refused(values.REGION)).cause.slug


def test_an_answer_about_another_page_is_the_operators_to_fix() -> None:
    """It has no code: its class says what it is."""
    told = concluded(attempt(), graph(0, detail="TokenDead"))

    assert "graph_token_dead" == told.cause.slug
    assert "another Page's" in told.sentence


def test_every_problem_that_a_cause_is_taken_from_exists() -> None:
    names = {problem.name for problem in (*PROBLEMS.values(), *API_PROBLEMS.values())}
    names |= {QUESTION_CHANGED.name, TOO_LATE.name, UNFORESEEN.name}

    assert PROBLEM_KINDS.keys() <= names
    # And each that Graph causes, whoever reads it.
    for meaning in Meaning:
        for in_api in (False, True):
            name = problem_of(CONSEQUENCES[meaning].error(), in_api=in_api).name
            assert "entry_other" != concluded(*entry(name)).cause.slug, name
    assert {"link_incomplete", "state_refused"} <= {one.name for one in PAGE_PROBLEMS.values()}


def test_every_problem_of_the_pages_has_a_cause_of_its_own() -> None:
    """Whoever adds a problem decides what it is noted as, and what support reads of it."""
    names = {problem.name for problem in PAGE_PROBLEMS.values()}
    # The first ends nothing that is under way; what to do about the other is in the log.
    for name in names - {"attempt_over", "not_by_https"}:
        assert "entry_other" != concluded(*entry(name)).cause.slug, name


# Each obstacle before what resolves it, and the conclusion once it is resolved.
_RECOGNISED: Final = {"psid": Psid(ANA)}
RESOLVED: Final[Sequence[tuple[dict[str, Any], AttemptEvent, tuple[AttemptEvent, ...], str]]] = (
    (_RECOGNISED, graph(190), (page("sign_in"),), "left_sign_in"),
    (SIGNED_IN, graph(2), (), "left_confirm"),
    *(
        (SIGNED_IN, event(kind, subject="local"), (page("confirm", 21),), "left_confirm")
        for kind in (
            Kind.CREDENTIALS_WRONG,
            Kind.RATE_LIMITED,
            Kind.AUTHENTICATOR_AWAY,
            Kind.AUTHENTICATOR_MISCONFIGURED,
            Kind.PROVIDER_REFUSED,
            Kind.PROVIDER_DECLINED,
            Kind.PROVIDER_NOT_OFFERED,
            Kind.COOKIE_ABSENT,
            Kind.INTERNAL_ERROR,
            Kind.TOO_MANY_LINKS,
        )
    ),
    *(
        ({}, event(kind), (page("sign_in", 11),), "left_sign_in")
        for kind in (Kind.GATE_FULL, Kind.DATABASE_AWAY, Kind.FORM_REFUSED)
    ),
    *(
        (CONFIRMED, event(kind, 25), (), "webhook_silent")
        for kind in (Kind.CHAT_CODE_WRONG, Kind.CHAT_CODE_LIMITED, Kind.QUESTION_CHANGED)
    ),
    (
        SIGNED_IN,
        event(Kind.CHAT_CODE_NOT_DELIVERED, 22),
        (event(Kind.CHAT_CODE_SENT, 23),),
        "left_chat_code",
    ),
    # "Not you?" takes the sign-in back from the row; the page that was sent shows it.
    ({}, event(Kind.CREDENTIALS_WRONG), (page("confirm", 21),), "left_confirm"),
)


@pytest.mark.parametrize(("row", "obstacle", "after", "slug"), RESOLVED)
def test_what_a_person_has_got_past_is_no_cause(
    row: dict[str, Any], obstacle: AttemptEvent, after: tuple[AttemptEvent, ...], slug: str
) -> None:
    assert slug == concluded(attempt(**row), page("sign_in", 1), obstacle, *after).cause.slug


@pytest.mark.parametrize(
    ("row", "obstacle", "slug"),
    [
        (SIGNED_IN, event(Kind.CHAT_CODE_WRONG, 25), "chat_code_wrong"),
        (SIGNED_IN, event(Kind.RATE_LIMITED, 15, subject="digits"), "rate_limited"),
        (SIGNED_IN, event(Kind.CREDENTIALS_WRONG, 25), "credentials_wrong"),
        (
            SIGNED_IN,
            event(Kind.GRAPH_FAILED, 25, subject="send_text", code=190),
            "graph_token_dead",
        ),
    ],
)
def test_what_comes_after_a_sign_in_is_not_resolved_by_it(
    row: dict[str, Any], obstacle: AttemptEvent, slug: str
) -> None:
    assert slug == concluded(attempt(**row), obstacle).cause.slug


@pytest.mark.parametrize("row", ROWS)
def test_every_error_of_graphs_is_a_cause_of_the_table(row: ErrorRow) -> None:
    told = concluded(attempt(), graph(row.code, row.subcode or 0, subject=row.call or "send_text"))

    assert told.cause.slug in {row.slug, "chat_code_not_delivered", "graph_other"}
    if told.cause.slug == row.slug and row.slug.startswith("graph_"):
        assert row.says in told.sentence
        if told.cause.fixed_by in {FixedBy.OPERATOR, FixedBy.NOBODY}:
            assert not _AGAIN.search(f"{told.sentence} {told.fix}")
        assert row.fix.replace("`", "") == told.fix


def test_the_last_of_several_obstacles_is_the_cause() -> None:
    wrong = event(Kind.CREDENTIALS_WRONG, 10, subject="local", times=5)
    limited = event(Kind.RATE_LIMITED, 20, subject="pair", until_at=NOON + 7 * timedelta(minutes=1))

    told = concluded(attempt(psid=ANA), page("sign_in"), wrong, limited)

    assert "rate_limited" == told.cause.slug
    assert "until 12:07:00 UTC" in told.sentence


def test_to_go_back_from_an_error_page_is_not_on_purpose() -> None:
    """The error page left nothing else to tap."""
    row = attempt(**CANCELLED)

    assert "graph_token_dead" == concluded(row, page("sign_in"), graph(190)).cause.slug
    # The page was noted, and what it was about was lost.
    noted = concluded(row, page("sign_in"), page(f"{PROBLEM_PAGE}busy", 9))
    assert "busy" == noted.cause.slug
    for problem, slug in (
        ("graph", "graph_unavailable"),
        ("graph_refused", "graph_other"),
        ("graph_throttled", "graph_rate_limited"),
        ("region_refused", "graph_region"),
    ):
        assert slug == concluded(row, page(f"{PROBLEM_PAGE}{problem}", 9)).cause.slug
    status = concluded(row, page("sign_in"), page("status", 60))
    assert "cancelled" == status.cause.slug


def test_a_dead_page_token_is_named_to_whoever_typed_the_right_password() -> None:
    """The report's case: "Nobody has tried to sign in yet", and that was false."""
    row, error_page = attempt(), page(f"{PROBLEM_PAGE}graph", 11)

    told = concluded(row, page("sign_in"), graph(190, 463), error_page, at=NOON + 20 * SECOND)

    assert FixedBy.OPERATOR is told.cause.fixed_by
    assert told.sentence.startswith(f"{SO_FAR}The Page token has expired.")
    assert "code 190, subcode 463" in told.sentence
    assert "PAGE_ACCESS_TOKEN or PAGES_FILE" in told.fix


def test_while_an_attempt_is_open_the_sentence_says_so() -> None:
    wrong = event(Kind.CREDENTIALS_WRONG, subject="local")

    for row in (attempt(), attempt(**SIGNED_IN)):
        soon = concluded(row, wrong, page("confirm", 5), at=NOON + LIFE - SECOND)
        late = concluded(row, wrong, page("confirm", 5), at=NOON + LIFE)
        assert soon.sentence == f"{SO_FAR}{late.sentence}"
    linked = CASES["linked"]
    assert not concluded(*linked, at=NOON).sentence.startswith(SO_FAR)


_SECONDS: Final = st.integers(0, 400)
_MOMENTS: Final = st.none() | _SECONDS.map(lambda second: NOON + second * SECOND)
_ROWS: Final = st.builds(
    attempt,
    psid=st.sampled_from([None, Psid(ANA)]),
    signed_in_at=_MOMENTS,
    confirmed_at=_MOMENTS,
    ended_at=_MOMENTS,
    ended_as=st.sampled_from([None, "linked", "cancelled", "refused"]),
    reason=st.sampled_from([None, "burnt", *REASONS, *get_args(Fault)]),
)
_EVENTS: Final = st.builds(
    event,
    st.sampled_from(Kind),
    _SECONDS,
    subject=st.sampled_from(
        [
            "",
            "sign_in",
            "confirm",
            "chat_code",
            "status",
            "password",
            "local",
            "recipient_for",
            "send_text",
            "digits",
            "pair",
            *(f"{PROBLEM_PAGE}{name}" for name in PROBLEM_KINDS),
            "link_incomplete",
            "state_refused",
            *PROBLEM_KINDS,
        ]
    ),
    code=st.sampled_from([0, 4, 10, 100, 190, 551, 10303, 80006, 987654]),
    subcode=st.sampled_from([0, 463, 1893063, 2018278, 2018336, 2534022]),
    detail=st.sampled_from(["", "timeout", "no_cookies", "invalid_client", "status 502", "{x}"]),
    times=st.integers(1, 9),
    until_at=_MOMENTS,
)


@given(
    st.none() | _ROWS,
    st.lists(_EVENTS, max_size=8),
    st.none() | st.builds(Seen, st.integers(0, 3), st.integers(0, 3)),
    _SECONDS,
)
def test_every_state_and_every_set_of_events_has_exactly_one_cause(
    row: Attempt | None, events: list[AttemptEvent], seen: Seen | None, second: int
) -> None:
    ordered = sorted(events, key=lambda one: (one.last_at, one.first_at))

    told = conclude(row, ordered, seen, at=NOON + second * SECOND)

    assert CAUSES[told.cause.slug] is told.cause
    assert told.stage in Stage
    assert told.sentence
    assert not re.search(r"\{[a-z_]+\}", (told.sentence + told.fix).replace("{x}", ""))


def test_a_kind_that_a_newer_version_has_noted_is_passed_over() -> None:
    """Both versions run side by side during an upgrade."""
    new = event(Kind.TOO_LATE)
    new.kind = "of_a_later_version"

    assert "left_sign_in" == concluded(attempt(), page("sign_in"), new).cause.slug


def test_neutral_kinds_are_never_a_cause() -> None:
    assert not {kind.value for kind in NEUTRAL} & CAUSES.keys()

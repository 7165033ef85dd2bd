"""Every example on the API's reference page does what the page says, at a server as it is shipped.

Each test that costs a process runs one; server, stand-in of Graph and page are those of the module.
"""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
import requests
from sqlalchemy import delete
from sqlalchemy.orm import Session
from werkzeug.wrappers import Request, Response

from app.accounts import local
from app.accounts.models import Account
from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.service import SCOPES
from app.infra import clock
from app.infra.network import standard_webhooks
from app.infra.settings.database_url import database_url
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.invitation_models import Invitation
from app.linking.invitation_secrets import digits_hash
from app.linking.models import Attempt, AttemptEvent, Link
from app.services.container import Services, build
from app.web.api.blueprint import OPERATIONS
from tests import shipped as shipping
from tests.installation import ANA, BEN, ENVIRONMENT, PAGE, settings_for
from tests.journeys.facebook_redirects import served
from tests.linking.factories import opened
from tests.web.api.conftest import add_link
from tests.web.api.reference_examples import (
    Examples,
    examples_of,
    run_curl,
    run_node,
    run_python,
)

Run = Callable[[str, str], Any]

RUNS: Final[dict[str, Run]] = {"curl": run_curl, "Python": run_python, "Node": run_node}
OPENED_AT: Final = datetime(2026, 11, 20, 9, 58, 2, tzinfo=UTC)
REFERENCE: Final = "q3m9-7d2k"
CALLS: Final = [operation.name for operation in OPERATIONS]
INVITATION: Final = "Xq3m97d2kV8rT0pLw5Yb1A"
# The state in which each example finds the invitation of the page.
INVITED: Final = {
    "create_invitation": "",
    "show_invitation": "open",
    "enter_digits": "claimed",
    "confirm_invitation": "accepted",
    "cancel_invitation": "open",
}
OF_INVITATIONS: Final = {
    "account_unknown",
    "not_asked",
    "wrong_digits",
    "over",
    "not_accepted",
    "question_changed",
    "too_many_links",
}
MAX_LINKS: Final = 5
# Graph's codes by the name of the error that the API then answers (docs/graph-errors.md).
GRAPH_ERRORS: Final = {
    "person_unreachable": (551, None),
    "window_closed": (10, 2018278),
    "region_refused": (10, 2018336),
    "messenger_refused_us": (190, None),
    "graph_throttled": (4, None),
    "graph": (2, None),
}


@dataclass
class GraphStandIn:
    """A server that takes messages as Graph does; *error* is what it refuses the next ones with."""

    message_id: str = ""
    error: tuple[int, int | None] | None = None
    sent: list[Any] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.sent.append(request.json)
        if self.error is None:
            said: Any = {"recipient_id": ANA, "message_id": self.message_id}
        else:
            said = {"error": {"message": "no", "code": self.error[0]}}
            said["error"] |= {"error_subcode": self.error[1]} if self.error[1] else {}
        return Response(json.dumps(said), status=400 if self.error else 200, mimetype="text/json")


@dataclass(frozen=True)
class Site:
    """A server that runs, the examples on its page, and a key for them."""

    services: Services
    graph: GraphStandIn
    examples: dict[str, Examples]
    key: str


@pytest.fixture(scope="module")
def running(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("examples") / "threadlink.sqlite"
    shutil.copyfile(sqlite_template, path)
    database, graph = database_url(f"sqlite:///{path}"), GraphStandIn()
    services = build(settings_for(database))
    key = services.write(
        keys.issue,
        "bot",
        scopes=SCOPES,
        page_id=None,
        issuer=local.ISSUER,
        expires_at=None,
        at=clock.now(),
    )
    with (
        served(Request.application(graph.answer), "127.0.0.1") as edge,
        shipping.serving(database, GRAPH_URL=edge, INVITATIONS="1") as shipped,
    ):
        page = requests.get(f"{shipped.origin}/api/docs", timeout=30).content.decode()
        examples = examples_of(page)
        graph.message_id = examples["send_button"].answer["message_id"]
        yield Site(services, graph, examples, key)
    services.close()


@pytest.fixture
def site(running: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return the server with the rows that the page shows, whatever ran before."""
    monkeypatch.setenv("THREADLINK_KEY", running.key)
    running.graph.error = None
    running.graph.sent.clear()
    running.services.write(_forget)
    add_link(running.services, subject="k7f2m9qa", event_at=_at(118), change=1042)
    jane = partial(local.add, username="jane@example.com", display_name="Jane", password_hash="x")
    running.services.write(jane, own_subject="k7f2m9qa", at=_at(0))
    running.services.write(_add_attempt)
    return running


def _forget(session: Session) -> None:
    for table in (Account, Link, Attempt, AttemptEvent, Invitation):
        session.execute(delete(table))


def _at(seconds: int) -> datetime:
    return OPENED_AT + timedelta(seconds=seconds)


def _add_attempt(session: Session) -> None:
    opened(session, at=OPENED_AT)
    session.query(Attempt).one().reference = REFERENCE
    shown = Note(reference=REFERENCE, kind=Kind.PAGE_SHOWN, subject="sign_in", at=_at(1))
    wrong = Note(
        reference=REFERENCE,
        kind=Kind.CREDENTIALS_WRONG,
        subject="local",
        detail="no_such_account",
        at=_at(68),
    )
    limited = Note(
        reference=REFERENCE, kind=Kind.RATE_LIMITED, subject="pair", at=_at(70), until=_at(300)
    )
    for note, first_at, times in ((shown, shown.at, 1), (wrong, _at(29), 5), (limited, _at(70), 1)):
        record(session, {note.key: Counted(note, first_at, times)})


def _add_invitation(session: Session, state: str, key: str) -> None:
    """Add the invitation of the page in *state*: it was made by *key* just now."""
    at = clock.now()
    row = Invitation(
        id=INVITATION,
        reference=REFERENCE,
        page_id=PAGE,
        issuer=local.ISSUER,
        subject="k7f2m9qa",
        display_name="j•••@example.com",
        language="en",
        api_key_id=tokens.id_of(key),
        ref_hash="r",
        code_hash="c",
        created_at=at,
    )
    if state != "open":
        row.psid, row.claimed_via = BEN, "existing_thread"
        row.claimed_at = row.claim_event_at = row.asked_at = at
        digits = "000000" if state == "other digits" else "759001"
        row.digits_hash = digits_hash(digits, INVITATION, ENVIRONMENT["SECRET_KEY"])
        row.digits_sent = row.asks = 1
    if state.startswith("accepted"):
        row.accepted_at = row.accept_event_at = at
        row.messenger_name = "Somebody Else" if state == "accepted, other name" else "Ana Berg"
    if state == "over":
        row.end("cancelled", None, at=at)
    session.add(row)


@pytest.mark.parametrize("language", RUNS)
@pytest.mark.parametrize("call", [call for call in CALLS if call not in INVITED])
def test_an_example_gets_the_answer_beside_it(site: Site, call: str, language: str) -> None:
    shown = site.examples[call]

    answer = RUNS[language](shown.programs[language], site.key)

    assert shown.answer == answer


@pytest.mark.parametrize("language", RUNS)
@pytest.mark.parametrize("call", INVITED)
def test_an_example_of_an_invitation_gets_what_is_beside_it(
    site: Site, call: str, language: str
) -> None:
    """An invitation lives for minutes and its secrets are random: the same fields, of one kind."""
    if state := INVITED[call]:
        site.services.write(_add_invitation, state, site.key)
    shown = site.examples[call]

    answer = RUNS[language](shown.programs[language], site.key)

    assert _kinds(shown.answer) == _kinds(answer)


def _kinds(answer: Any) -> Any:
    """Return the kind of each field of *answer*, and the fields of a link; else *answer*."""
    if not isinstance(answer, dict):
        return answer
    return {
        name: _kinds(value) if name == "link" else type(value) for name, value in answer.items()
    }


@pytest.mark.parametrize(
    ("call", "refusal", "state"),
    [
        ("create_invitation", "account_unknown", ""),
        ("show_invitation", "not_found", ""),
        ("enter_digits", "not_asked", "open"),
        ("enter_digits", "wrong_digits", "other digits"),
        ("enter_digits", "over", "over"),
        ("confirm_invitation", "not_accepted", "claimed"),
        ("confirm_invitation", "question_changed", "accepted, other name"),
        ("confirm_invitation", "too_many_links", "accepted"),
        ("confirm_invitation", "over", "over"),
        ("cancel_invitation", "not_found", ""),
    ],
)
def test_a_refusal_of_an_invitation_is_the_one_beside_the_call(
    site: Site, call: str, refusal: str, state: str
) -> None:
    site.services.write(_forget)
    jane = partial(local.add, username="jane@example.com", display_name="Jane", password_hash="x")
    if refusal != "account_unknown":
        site.services.write(jane, own_subject="k7f2m9qa", at=_at(0))
    for number in range(MAX_LINKS if refusal == "too_many_links" else 0):
        add_link(site.services, subject="k7f2m9qa", psid=f"700000000000000{number}")
    if state:
        site.services.write(_add_invitation, state, site.key)
    shown = site.examples[call]

    with pytest.raises(requests.HTTPError) as refused:
        run_python(shown.programs["Python"], site.key)

    answer = refused.value.response.json()
    assert shown.refusals[refusal] == {**answer, "reference": "7tqk-20xc"}


@pytest.mark.parametrize(
    ("call", "refusal"),
    [(call, "not_found") for call in ("show_link", "show_attempt", "show_account", "find_account")]
    + [("send_button", name) for name in GRAPH_ERRORS],
)
def test_a_refusal_is_the_one_beside_the_call(site: Site, call: str, refusal: str) -> None:
    """But for the reference, which is each time another."""
    site.services.write(_forget)
    site.graph.error = GRAPH_ERRORS.get(refusal)
    shown = site.examples[call]

    with pytest.raises(requests.HTTPError) as refused:
        run_python(shown.programs["Python"], site.key)

    answer = refused.value.response.json()
    assert shown.refusals[refusal] == {**answer, "reference": "7tqk-20xc"}


def test_every_refusal_beside_a_call_is_tried() -> None:
    """All but a page that is not there, which tests/web/api/test_buttons.py and others try."""
    own = {problem.name for operation in OPERATIONS for problem in operation.own_problems}

    assert {*GRAPH_ERRORS, *OF_INVITATIONS, "not_found"} == own


SECRET: Final = "whsec_" + base64.b64encode(b"a secret of the tests alone").decode()


def _signed(body: bytes, *, age: timedelta = timedelta()) -> dict[str, str]:
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    at = clock.now() - age
    return dict(standard_webhooks.headers_for("msg_1", body, secrets=[b"old", secret], at=at))


@pytest.mark.parametrize("language", ["Python", "Node"])
def test_the_check_of_a_notice_tells_genuine_from_forged(site: Site, language: str) -> None:
    """As does a library of Standard Webhooks: other bytes, another secret and old ones are none."""
    program = site.examples["notices"].programs[language]
    body = '{"type": "link.created", "data": {"display_name": "j•••"}}'.encode()
    other_secret = "whsec_" + base64.b64encode(b"another secret").decode()
    asked = [
        (SECRET, _signed(body), body),
        (SECRET, _signed(body), body.replace(b"created", b"removed")),
        (other_secret, _signed(body), body),
        (SECRET, _signed(body, age=timedelta(minutes=6)), body),
        (SECRET, _signed(body, age=timedelta(minutes=-6)), body),
        (SECRET, {**_signed(body), "webhook-signature": "v1,é v1,"}, body),
    ]

    found = (_python if language == "Python" else _node)(program, asked)

    assert [True, False, False, False, False, False] == found


def _python(program: str, asked: list[tuple[str, dict[str, str], bytes]]) -> list[bool]:
    names: dict[str, Any] = {}
    exec(compile(program, "check.py", "exec"), names)  # noqa: S102 - our page's
    return [names["is_genuine"](*one) for one in asked]


def _node(program: str, asked: list[tuple[str, dict[str, str], bytes]]) -> list[bool]:
    cases = json.dumps([(secret, headers, body.decode()) for secret, headers, body in asked])
    ask = f"({cases}).map(([s, h, b]) => isGenuine(s, h, Buffer.from(b)))"
    return list(run_node(f"{program}\nconsole.log({ask});", ""))

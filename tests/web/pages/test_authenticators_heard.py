"""An authenticator that fails is heard: on the page, in the log, by a count, in the attempt."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import URL, update
from structlog.testing import capture_logs
from werkzeug.wrappers import Response

from app import create_app
from app.accounts.models import Account
from app.infra import clock
from app.infra.database.writer import NotCommitted, Writer
from app.services.container import Services, build
from tests.accounts.ldap_stub import SEARCHER, directing
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, providing
from tests.accounts.password_endpoint import SECRET, answering
from tests.actors import Graph, log_in
from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import ANA, PASSWORD, USERNAME, add_jane, settings_for
from tests.web.attempt_events import reference_on
from tests.web.monitoring.test_prometheus import TOKEN, samples_of
from tests.web.page_visitor import PageVisitor

pytestmark = [on_sqlite, pytest.mark.real_peers]

FORM_AWAY = "We can’t check your details right now Try again in a minute."
FORM_WRONG = (
    "We can’t log you in right now Something is wrong on our side, not with your details. "
    "Please try later."
)
PROVIDER_AWAY = "Staff isn’t answering. Try again in a minute"
PROVIDER_WRONG = "You can’t log in with Staff right now. Something is wrong on our side"
FAULTS_OF_OURS = ("Wrong email", "You didn’t", "couldn’t log you in")
Settings = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """An authenticator that fails, and what has to be said of it, where."""

    name: str
    settings: Callable[[], AbstractContextManager[Settings]]
    page: str
    reason: str
    fix: str

    @property
    def failure(self) -> str:
        return "away" if self.page in {FORM_AWAY, PROVIDER_AWAY} else "misconfigured"


@contextmanager
def damaged_account() -> Iterator[Settings]:
    yield {"AUTHENTICATORS": "local"}


def endpoint(answer: Response) -> Callable[[], AbstractContextManager[Settings]]:
    @contextmanager
    def settings() -> Iterator[Settings]:
        with answering() as there:
            there.answer = answer
            yield {
                "AUTHENTICATORS": "http:staff",
                "HTTP_STAFF_URL": there.url,
                "HTTP_STAFF_SECRET": SECRET,
            }

    return settings


def directory(
    *, searcher: int = 0, port: int | None = None
) -> Callable[[], AbstractContextManager[Settings]]:
    @contextmanager
    def settings() -> Iterator[Settings]:
        with directing() as there:
            there.searcher = searcher
            yield {
                "AUTHENTICATORS": "ldap:staff",
                "LDAP_STAFF_URL": f"ldap://127.0.0.1:{port or there.port}",
                "LDAP_STAFF_BASE": "ou=people,dc=example,dc=com",
                "LDAP_STAFF_BIND_DN": SEARCHER.decode(),
                "LDAP_STAFF_BIND_PASSWORD": "canary-searcher",
            }

    return settings


def provider(status: int) -> Callable[[], AbstractContextManager[Settings]]:
    @contextmanager
    def settings() -> Iterator[Settings]:
        with providing(clock.now()) as there:
            there.instead["/.well-known/openid-configuration"] = lambda: Response(
                "canary", status=status
            )
            yield {
                "AUTHENTICATORS": "oidc:staff",
                "OIDC_STAFF_ISSUER": there.issuer,
                "OIDC_STAFF_CLIENT_ID": CLIENT_ID,
                "OIDC_STAFF_CLIENT_SECRET": CLIENT_SECRET,
                "OIDC_STAFF_LABEL": "Staff",
            }

    return settings


FAILING = {
    "local, a damaged hash": Failing(
        name="local",
        settings=damaged_account,
        page=FORM_WRONG,
        reason="the stored hash cannot be used",
        fix="threadlink accounts set-password",
    ),
    "http, away": Failing(
        name="http:staff",
        settings=endpoint(Response("canary", status=502)),
        page=FORM_AWAY,
        reason="status 502",
        fix="threadlink doctor",
    ),
    "http, the secret": Failing(
        name="http:staff",
        settings=endpoint(Response("canary", status=403)),
        page=FORM_WRONG,
        reason="status 403",
        fix="HTTP_STAFF_SECRET",
    ),
    "http, no subject": Failing(
        name="http:staff",
        settings=endpoint(Response('{"id": "canary"}')),
        page=FORM_WRONG,
        reason="no usable subject or display_name",
        fix="docs/authenticators.md",
    ),
    "ldap, away": Failing(
        name="ldap:staff",
        settings=directory(port=1),
        page=FORM_AWAY,
        reason="refuses connections: nothing listens at its port",
        fix="LDAP_STAFF_URL",
    ),
    "ldap, busy": Failing(
        name="ldap:staff",
        settings=directory(searcher=51),
        page=FORM_AWAY,
        reason="bind: result 51",
        fix="see the directory's log",
    ),
    "ldap, the password": Failing(
        name="ldap:staff",
        settings=directory(searcher=49),
        page=FORM_WRONG,
        reason="the directory refused the BIND_DN",
        fix="LDAP_STAFF_BIND_PASSWORD",
    ),
    "oidc, away": Failing(
        name="oidc:staff",
        settings=provider(503),
        page=PROVIDER_AWAY,
        reason="discovery: status 503",
        fix="threadlink doctor",
    ),
    "oidc, the address": Failing(
        name="oidc:staff",
        settings=provider(404),
        page=PROVIDER_WRONG,
        reason="discovery: status 404",
        fix="OIDC_STAFF_ISSUER",
    ),
}


@pytest.fixture(params=FAILING.values(), ids=list(FAILING))
def failing(request: pytest.FixtureRequest) -> Failing:
    what: Failing = request.param
    return what


@pytest.fixture
def services(database: URL, failing: Failing) -> Iterator[Services]:
    with failing.settings() as own:
        services = build(settings_for(database, METRICS_TOKEN=TOKEN, LOG_LEVEL="info", **own))
        add_jane(services)
        damaged = update(Account).values(password_hash="$argon2id$canary")
        services.write(lambda session: session.execute(damaged))
        yield services
        services.close()


def test_a_failure_is_heard_everywhere(services: Services, failing: Failing, graph: Graph) -> None:
    """Once in the log, with its name, reason and fix; never as the fault of the person."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(create_app(services))
    person.taps_log_in(login)
    first, second = sorted((failing.name, failing.failure))
    counted = ("threadlink_authenticator_failures_total", first, second)
    before = samples_of(person.browser).get(counted, 0)

    with capture_logs() as lines:
        if failing.name == "oidc:staff":
            person.presses("Continue with Staff")
        else:
            person.signs_in(USERNAME, PASSWORD)

    reference = reference_on(person.sees)
    assert 503 == person.sees.status
    assert failing.page in person.reads
    for blame in FAULTS_OF_OURS:
        assert blame not in person.reads
    if failing.failure == "misconfigured":
        # The button is there for whoever would reload the page; no sentence says that it helps.
        said = person.reads.replace(failing.page, "").replace("Back to Messenger Try again", "")
        assert "ry again" not in said
    (line,) = (line for line in lines if line["log_level"] in {"warning", "error"})
    assert ("authenticator.failed", failing.name) == (line["event"], line["authenticator"])
    assert failing.reason == line["reason"]
    assert failing.fix in line["fix"]
    assert "request.refused" not in {line["event"] for line in lines}
    assert before + 1 == samples_of(person.browser)[counted]
    services.events.flush()
    told = json.loads(Operator(services).types("attempts", "show", reference, "--json").stdout)
    assert f"authenticator_{failing.failure}" == told["cause"]
    assert "operator" == told["fixed_by"]
    for unsaid in ("canary", PASSWORD, USERNAME, "<NAME>"):
        assert unsaid not in str(lines) + person.sees.text + str(told)


@pytest.mark.parametrize(
    "failing", [FAILING["local, a damaged hash"]], indirect=True, ids=["local"]
)
def test_a_database_that_is_away_is_heard(
    services: Services, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in accounts are in it, as all else: a warning of its own, and its count."""
    login = log_in()
    graph.knows(login, ANA)
    person = PageVisitor(create_app(services))
    person.taps_log_in(login)
    counted = ("threadlink_sign_in_failures_total", "database_busy")
    before = samples_of(person.browser).get(counted, 0)

    def away(*_: object, **__: object) -> None:
        raise NotCommitted("no time left")

    with capture_logs() as lines, monkeypatch.context() as patch:
        patch.setattr(Writer, "read", away)
        person.signs_in(USERNAME, PASSWORD)

    assert 503 == person.sees.status
    assert reference_on(person.sees)
    (line,) = (line for line in lines if line["log_level"] in {"warning", "error"})
    assert ("database.failed", "no time left") == (line["event"], line["reason"])
    assert before + 1 == samples_of(person.browser)[counted]

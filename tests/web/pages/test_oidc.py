"""Signing in at a provider, as the person's browser meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL, select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from werkzeug.wrappers import Response

from app import create_app
from app.infra import clock
from app.infra.observability import metrics
from app.linking import link_queries
from app.linking.models import Attempt
from app.services.container import Services, build
from app.web.pages.oidc import bp
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.browsers import ON_IOS, Answer, InProcess
from tests.installation import ANA, PAGE, PUBLIC_URL, add_jane, settings_for

pytestmark = pytest.mark.real_peers

BUTTON = "Continue with Stub"


@pytest.fixture
def stub() -> Iterator[Provider]:
    with providing(clock.now()) as provider:
        yield provider


@pytest.fixture
def other() -> Iterator[Provider]:
    with providing(clock.now()) as provider:
        yield provider


@pytest.fixture
def services(database: URL, stub: Provider, other: Provider) -> Iterator[Services]:
    settings = settings_for(
        database,
        AUTHENTICATORS="local oidc:stub oidc:other",
        HELP_URL_PASSWORD="https://shop.example.com/forgot",
        **_provider("STUB", stub),
        **_provider("OTHER", other),
        OIDC_OTHER_LABEL="Our <Staff>",
        OIDC_OTHER_IN_WEBVIEWS="0",
        LOG_LEVEL="debug",
    )
    services = build(settings)
    yield services
    services.close()


@pytest.fixture
def arrived(graph: Graph, person: Person) -> Person:
    """Return a person in front of the sign-in page."""
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    return person


def _provider(name: str, provider: Provider) -> dict[str, str]:
    return {
        f"OIDC_{name}_ISSUER": provider.issuer,
        f"OIDC_{name}_CLIENT_ID": CLIENT_ID,
        f"OIDC_{name}_CLIENT_SECRET": CLIENT_SECRET,
    }


def there(person: Person, provider: Provider, name: str = "stub", **changed: Any) -> str:
    """Return the address at which *provider* sends the person back, who was just sent there."""
    params = {**provider.sends_back(person.sees.location), **changed}
    return f"/authorize/oidc/{name}/callback?{urlencode(params, doseq=True)}"


def comes_back(person: Person, provider: Provider, **changed: Any) -> Answer:
    person.presses(BUTTON)
    return person.opens(there(person, provider, **changed))


@contextmanager
def counted() -> Iterator[dict[tuple[str, ...], float]]:
    """Yield what steps and failed sign-ins grow by until the block ends."""

    def now() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(metrics.exposition(()).decode())
        return {
            tuple(
                sample.labels[name] for name in ("step", "kind", "outcome") if name in sample.labels
            ): sample.value
            for family in families
            if family.name in {"threadlink_attempt_steps", "threadlink_sign_in_failures"}
            for sample in family.samples
            if sample.name.endswith("_total")
        }

    before, grown = now(), dict[tuple[str, ...], float]()
    yield grown
    grown |= {
        names: value - before.get(names, 0)
        for names, value in now().items()
        if value > before.get(names, 0)
    }


def memos(services: Services) -> list[str | None]:
    return list(services.read(lambda session: session.scalars(select(Attempt.memo)).all()))


def assert_offers_all_ways(answer: Answer) -> None:
    buttons = {form.button for form in answer.forms}
    assert {"Log in", BUTTON, "Continue with Our <Staff>", "Back to Messenger"} <= buttons


def test_a_person_connects_by_a_provider(
    services: Services, stub: Provider, arrived: Person, messenger: Messenger
) -> None:
    """R58: the link holds the provider's issuer and subject, and nothing of an address."""
    comes_back(arrived, stub)
    arrived.follows()
    assert "j•••@example.com" in arrived.sees.text
    code = arrived.connects()

    messenger.tells(linked(ANA, code, clock.now()))

    link = services.read(link_queries.find_link, PAGE, ANA)
    assert link is not None
    assert link.user is not None
    assert (stub.issuer, "u-1") == (link.user.issuer, link.user.subject)


def test_the_page_has_the_form_and_a_button_for_each_provider(arrived: Person) -> None:
    assert_offers_all_ways(arrived.sees)
    assert "Our &lt;Staff&gt;" in arrived.sees.text
    assert "https://shop.example.com/forgot" in arrived.sees.text


def test_the_way_there_holds_nothing_of_messengers(
    stub: Provider, arrived: Person, graph: Graph
) -> None:
    """R9, R56: a path of its own for each provider, and no token in any address."""
    arrived.presses(BUTTON)

    query = parse_qs(urlsplit(arrived.sees.location).query)
    assert 303 == arrived.sees.status
    assert arrived.sees.location.startswith(f"{stub.issuer}/authorize?")
    assert [f"{PUBLIC_URL}/authorize/oidc/stub/callback"] == query["redirect_uri"]
    asked = str(graph.calls[0].url)
    token = parse_qs(urlsplit(asked).query)["account_linking_token"][0]
    assert token not in arrived.sees.location


def test_the_way_by_a_provider_is_counted_step_by_step(stub: Provider, arrived: Person) -> None:
    """What went wrong there is a failed sign-in as well, by its kind."""
    with counted() as grown:
        comes_back(arrived, stub, error="access_denied")
        comes_back(arrived, stub)

    assert {
        ("depart", "ok"): 2,
        ("come_back", "provider_declined"): 1,
        ("come_back", "ok"): 1,
        ("provider_declined",): 1,
    } == grown


def test_setting_out_costs_a_live_token(stub: Provider, graph: Graph, person: Person) -> None:
    """R14: whose token Messenger does not know is not sent to the provider."""
    person.taps_log_in(log_in())

    answer = person.presses(BUTTON)

    assert 410 == answer.status
    assert 1 == len(graph.calls)
    assert [] == stub.asked


def test_setting_out_again_asks_messenger_no_more(
    stub: Provider, graph: Graph, arrived: Person
) -> None:
    page = arrived.sees
    arrived.presses(BUTTON)
    calls = len(graph.calls)
    arrived.sees = page

    arrived.presses(BUTTON)

    assert calls == len(graph.calls)
    assert 303 == arrived.sees.status
    assert 1 == stub.asked.count("/.well-known/openid-configuration")


def test_a_foreign_form_sends_nobody_to_a_provider(stub: Provider, arrived: Person) -> None:
    """R77: to be sent there is harmless, to come back signed in as somebody else is not."""
    form = arrived.sees.form(BUTTON)

    answer = arrived.posts(form.action, {"form_token": "guessed"})

    assert 400 == answer.status
    assert [] == stub.asked


def test_an_answer_serves_once(services: Services, stub: Provider, arrived: Person) -> None:
    """R56: a replay signs nobody in, and exchanges no code."""
    arrived.presses(BUTTON)
    back = there(arrived, stub)
    arrived.opens(back)

    answer = arrived.opens(back)

    assert 409 == answer.status
    assert 1 == len(stub.exchanged)
    assert [None] == memos(services)


def test_another_browser_cannot_finish_a_sign_in(
    app: Flask, stub: Provider, arrived: Person
) -> None:
    """R19, R56: neither the attacker's answer in the victim's browser, nor the other way round."""
    arrived.presses(BUTTON)
    back = there(arrived, stub)
    victim = Person(InProcess(app, PUBLIC_URL))

    answer = victim.opens(back)

    assert 400 == answer.status
    assert [] == stub.exchanged
    assert 303 == arrived.opens(back).status


def test_the_answer_to_one_attempt_signs_in_no_other(
    graph: Graph, stub: Provider, arrived: Person
) -> None:
    """R56: also when one browser holds both."""
    arrived.presses(BUTTON)
    first = there(arrived, stub)
    login = log_in()
    graph.knows(login, ANA)
    arrived.taps_log_in(login)
    second_page = arrived.sees
    arrived.opens(first)

    assert "Log in" in {form.button for form in second_page.forms}
    assert 200 == arrived.opens(second_page.form(BUTTON).action).status
    assert BUTTON in {form.button for form in arrived.sees.forms}


@pytest.mark.parametrize(
    "changed",
    [
        {"state": ""},
        {"state": "forged"},
        {"state": ["a", "b"]},
        {"code": ["a", "b"]},
        {"state": "WyJhIiwic3R1YiIsImIiXQ.aSA.AAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=["empty", "forged", "state twice", "code twice", "signed by nobody"],
)
def test_a_way_back_without_our_signature_leads_nowhere(
    services: Services, stub: Provider, arrived: Person, changed: dict[str, Any]
) -> None:
    """R56: fails closed, and the attempt goes on waiting for the right one."""
    answer = comes_back(arrived, stub, **changed)

    assert 400 == answer.status
    assert [] == stub.exchanged
    assert None not in memos(services)


def test_one_providers_answer_is_not_taken_for_anothers(
    stub: Provider, other: Provider, arrived: Person
) -> None:
    """R56: RFC 9700, section 4.4, mix-up."""
    arrived.presses(BUTTON)

    answer = arrived.opens(there(arrived, stub, name="other"))

    assert 400 == answer.status
    assert [] == stub.exchanged
    assert [] == other.exchanged


def test_a_provider_that_is_not_set_up_does_not_exist(arrived: Person) -> None:
    action = arrived.sees.form(BUTTON).action.replace("stub", "nobody")

    answer = arrived.posts(action, arrived.sees.form(BUTTON).fields)

    assert 404 == answer.status


def test_a_hostile_answer_is_refused_with_a_page_that_helps(
    services: Services, stub: Provider, arrived: Person
) -> None:
    """R57: the person sees every way to go on, and nothing of what was wrong."""
    stub.claims["aud"] = "somebody else"

    answer = comes_back(arrived, stub)

    assert 422 == answer.status
    assert "<bdi>Stub</bdi> couldn’t log you in" in answer.text
    assert_offers_all_ways(answer)
    assert "audience" not in answer.text
    assert [None] == memos(services)


def test_turning_back_at_the_provider_leads_to_the_sign_in_page(
    stub: Provider, arrived: Person
) -> None:
    answer = comes_back(arrived, stub, error="access_denied")

    assert 422 == answer.status
    assert "You didn’t finish with <bdi>Stub</bdi>, or it didn’t let you in" in answer.text
    assert_offers_all_ways(answer)


def test_a_provider_that_is_down_is_said_so_and_the_others_work(
    services: Services, stub: Provider, other: Provider, arrived: Person
) -> None:
    add_jane(services)
    stub.instead["/.well-known/openid-configuration"] = lambda: Response(status=502)

    answer = arrived.presses(BUTTON)

    assert 503 == answer.status
    assert "<bdi>Stub</bdi> isn’t answering" in answer.text
    assert_offers_all_ways(answer)
    arrived.presses("Continue with Our <Staff>")
    assert arrived.sees.location.startswith(other.issuer)
    arrived.sees = answer
    assert 200 == arrived.signs_in().status


def test_a_sign_in_that_comes_back_too_late_says_so(
    services: Services, stub: Provider, arrived: Person
) -> None:
    """R10: the time was the link's, not the provider's; nothing is exchanged any more."""
    arrived.presses(BUTTON)
    services.write(_age)

    answer = arrived.opens(there(arrived, stub))

    assert 410 == answer.status
    assert "For your safety it works for five minutes" in answer.text
    assert "Tap Log In in the chat" in answer.text
    assert {"Back to Messenger"} == {form.button for form in answer.forms}
    assert [] == stub.exchanged


def _age(session: Session) -> None:
    opened_at = clock.now() - timedelta(minutes=6)
    session.execute(update(Attempt).values(opened_at=opened_at))


def test_not_you_starts_sign_in_again(stub: Provider, arrived: Person) -> None:
    """R18: and the provider is asked for a fresh sign-in again."""
    comes_back(arrived, stub)
    arrived.follows()

    arrived.presses("Use a different account")
    arrived.follows()

    assert_offers_all_ways(arrived.sees)
    stub.claims.update(sub="u-2", email="zoe@example.com")
    comes_back(arrived, stub)
    assert "z•••@example.com" in arrived.follows().text


def test_a_provider_that_refuses_webviews_is_not_offered_in_one(
    other: Provider, arrived: Person
) -> None:
    """R55: a sentence stands there instead, and no dead page can be reached."""
    form = arrived.sees.form("Continue with Our <Staff>")
    address = form.action.partition("/oidc/")[0]

    page = arrived.opens(address, **{"User-Agent": ON_IOS})
    forced = arrived.posts(form.action, form.fields, **{"User-Agent": ON_IOS})

    sentence = "<bdi>Our &lt;Staff&gt;</bdi> doesn’t work inside Messenger."
    assert sentence in page.text
    assert BUTTON in {shown.button for shown in page.forms}
    assert "Continue with Our <Staff>" not in {shown.button for shown in page.forms}
    assert 422 == forced.status
    assert sentence in forced.text
    assert [] == other.asked


def test_a_full_house_costs_nobody_the_way_back(
    services: Services, stub: Provider, arrived: Person
) -> None:
    """The same address works a moment later."""
    arrived.presses(BUTTON)
    back = there(arrived, stub)
    places = [services.admission.enter() for _ in range(services.admission.admitted)]
    for place in places:
        place.__enter__()

    busy = arrived.opens(back)

    for place in places:
        place.__exit__(None, None, None)
    assert 503 == busy.status
    assert 303 == arrived.opens(back).status


@pytest.mark.parametrize("last", ["connects", "cancels"])
def test_the_memo_is_forgotten_when_it_is_over(
    services: Services, stub: Provider, arrived: Person, last: str
) -> None:
    """R110: nonce and verifier outlive no attempt."""
    page = arrived.sees
    if last == "connects":
        comes_back(arrived, stub)
        arrived.follows()
        confirm = arrived.sees
        arrived.sees = page
        arrived.presses(BUTTON)
        arrived.sees = confirm
        arrived.connects()
    else:
        arrived.presses(BUTTON)
        assert None not in memos(services)
        arrived.sees = page
        arrived.presses("Back to Messenger")

    assert [None] == memos(services)


def test_no_log_line_holds_a_secret_of_the_provider(
    stub: Provider, arrived: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """R110: codes, states, nonces, verifiers and tokens, also where they are refused.

    The subject is no secret: without it, the log could not tell who has signed in.
    """
    with capture_logs() as entries, caplog.at_level("DEBUG"):
        arrived.presses(BUTTON)
        back = there(arrived, stub)
        arrived.opens(back)
        arrived.opens(back)

    logged = f"{entries}{caplog.text}"
    assert "sign_in.done" in logged
    params = parse_qs(urlsplit(back).query)
    secrets = [params["state"][0], params["code"][0], stub.nonce, CLIENT_SECRET]
    secrets.append(stub.exchanged[0]["code_verifier"])
    for secret in [*secrets, "jane@example.com"]:
        assert secret not in logged


def test_a_page_may_have_ways_of_its_own(
    database: URL, tmp_path: Path, stub: Provider, graph: Graph
) -> None:
    """Chosen per page; a form that is not shown cannot be posted either."""
    pages = tmp_path / "pages.toml"
    pages.write_text(
        f'[[pages]]\nid = "{PAGE}"\nname = "Shop"\ntoken = "T"\nauthenticators = ["oidc:stub"]\n'
    )
    changed = {"PAGE_ID": "", "PAGE_ACCESS_TOKEN": "", "PAGES_FILE": str(pages)}
    services = build(settings_for(database, **changed, **_provider("STUB", stub)))
    person = Person(InProcess(create_app(services), PUBLIC_URL))
    login = log_in()
    graph.knows(login, ANA)

    page = person.taps_log_in(login)

    assert {BUTTON, "Back to Messenger"} == {form.button for form in page.forms}
    form = page.form(BUTTON)
    action = form.action.partition("/oidc/")[0]
    answer = person.posts(action, {**form.fields, "username": "jane", "password": "x"})
    assert 404 == answer.status
    services.close()


def test_every_provider_comes_back_below_authorize() -> None:
    """R75, R78: the headers of the person's pages hang on that path."""
    assert "/authorize" == bp.url_prefix

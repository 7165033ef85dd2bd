"""`GET /authorize`: the parameters it takes, and previews that open no attempt (R1 to R9)."""

from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from flask import Flask

from app.services.container import Services
from tests.actors import Graph, LogIn, log_in
from tests.installation import ANA
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

CRAWLERS = [
    {"User-Agent": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
    {"User-Agent": "WhatsApp/2.23.20.0"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
]
META_CRAWLERS = [
    CRAWLERS[0],
    {"User-Agent": "facebookexternalua"},
    {"User-Agent": "meta-externalfetcher/1.1"},
    {"User-Agent": "Meta-ExternalAgent/1.1 (+https://developers.facebook.com/docs/sharing)"},
]
PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
    {"X-Purpose": "preview"},
]


@pytest.fixture
def visitor(app: Flask) -> PageVisitor:
    return PageVisitor(app)


@pytest.fixture
def stored(services: Services) -> StoredRows:
    return StoredRows(services)


def _both(login: LogIn) -> dict[str, str]:
    return {
        "account_linking_token": login.account_linking_token,
        "redirect_uri": login.redirect_uri,
    }


@pytest.mark.parametrize(
    "missing",
    [{"account_linking_token"}, {"redirect_uri"}, {"account_linking_token", "redirect_uri"}],
)
@pytest.mark.parametrize("is_empty", [False, True])
def test_an_incomplete_link_is_never_followed(
    visitor: PageVisitor, stored: StoredRows, missing: set[str], *, is_empty: bool
) -> None:
    """R1: in these words, and with nothing of what came along."""
    login = log_in()
    given = {
        n: "" if n in missing else v
        for n, v in _both(login).items()
        if is_empty or n not in missing
    }

    answer = visitor.opens(f"/authorize?{urlencode(given)}")

    assert 400 == answer.status
    assert "Open the chat in Messenger and tap Log In." in visitor.reads
    _is_refused(visitor, login, stored)


def _swapped(login: LogIn) -> str:
    return urlencode({**_both(login), "account_linking_token": log_in().account_linking_token})


AMBIGUOUS: list[Callable[[LogIn], str]] = [
    lambda login: (
        f"{urlencode(_both(login))}&account_linking_token={log_in().account_linking_token}"
    ),
    lambda login: f"{urlencode(_both(login))}&redirect_uri={quote(login.redirect_uri, safe='')}",
    lambda login: f"{urlencode(_both(login))}&redirect_uri[]=https://evil.example/",
    lambda login: f"{urlencode(_both(login))}&account_linking_token%5B0%5D=x",
    lambda login: f"{urlencode(_both(login))}&code=1&code=2",
    lambda login: f"{urlencode(_both(login))}&client_id=1&client_id=2",
    _swapped,
    lambda login: urlencode({**_both(login), "account_linking_token": "not a token"}),
    lambda login: urlencode({**_both(login), "account_linking_token": "A" * 1025}),
    lambda login: urlencode(
        {**_both(login), "redirect_uri": login.redirect_uri + "&authorization_code=x"}
    ),
    lambda login: urlencode(
        {**_both(login), "redirect_uri": "https://evil.example/?" + login.redirect_uri}
    ),
    lambda login: urlencode({**_both(login), "client_id": "999"}),
    lambda login: urlencode({**_both(login), "client_id": ""}),
]


@pytest.mark.parametrize("query", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused(
    visitor: PageVisitor, stored: StoredRows, query: Callable[[LogIn], str]
) -> None:
    """R2, R6, R7: and nothing of it comes back to who sent it."""
    login = log_in()

    answer = visitor.opens(f"/authorize?{query(login)}")

    assert 400 == answer.status
    assert "evil" not in answer.text
    _is_refused(visitor, login, stored)


def _is_refused(visitor: PageVisitor, login: LogIn, stored: StoredRows) -> None:
    assert "text/html; charset=utf-8" == visitor.sees.headers["content-type"]
    assert "Reference" in visitor.reads
    assert login.account_linking_token not in visitor.sees.text
    assert not {"location", "set-cookie"} & set(visitor.sees.headers)
    assert 0 == stored.count("attempt")


@pytest.mark.parametrize(
    "more",
    [
        {"state": "a"},
        {"state": ""},
        {"state": "r.\u0000"},
        {"state": "x" * 129},
        {"state": "1", "state[]": "2"},
        {"next": "//evil.example", "return_to": "/\\evil.example"},
        {"scope": "basic", "utm": "é"},
        {"foo[]": "1"},
    ],
)
def test_other_parameters_are_never_an_error(visitor: PageVisitor, more: dict[str, str]) -> None:
    """R11: nor do they lead anywhere; there is no parameter that names a next page."""
    login = log_in()

    answer = visitor.opens(login.address(**more))

    assert 303 == answer.status
    assert answer.location.startswith("/authorize/")


def test_the_browser_is_moved_to_a_clean_address(visitor: PageVisitor, stored: StoredRows) -> None:
    """R9: neither token nor redirect_uri is in any later address or form, nor in the database."""
    login = log_in()

    moved = visitor.opens(login.address())
    visitor.follows()

    for text in (moved.location, visitor.sees.text, str(stored.row("attempt"))):
        assert login.account_linking_token not in text
        assert "messenger_platform" not in text


@pytest.mark.usefixtures("jane")
def test_previews_and_prefetches_use_nothing_up(
    visitor: PageVisitor, app: Flask, graph: Graph, stored: StoredRows
) -> None:
    """R8: fifty of them first, and then a normal run."""
    login = log_in()
    graph.knows(login, ANA)
    for number in range(50):
        crawler = PageVisitor(app)
        kinds = [*CRAWLERS, *PREFETCHES]
        crawler.opens(login.address(), **kinds[number % len(kinds)])
        crawler.browser("HEAD", login.address())

    visitor.taps_log_in(login)
    visitor.signs_in()

    assert visitor.connects().startswith("tl_")
    # The crawlers that say nothing of themselves open attempts; nobody else does.
    assert stored.count("attempt") < 25
    assert 2 == len(graph.calls)


@pytest.mark.parametrize("headers", [*PREFETCHES, *META_CRAWLERS])
def test_a_declared_prefetch_makes_no_attempt(
    visitor: PageVisitor, stored: StoredRows, headers: dict[str, str]
) -> None:
    """R8: nor a cookie, which would push out that of an attempt in use."""
    answer = visitor.opens(log_in().address(), **headers)

    assert 204 == answer.status
    assert not {"location", "set-cookie"} & set(answer.headers)
    assert 0 == stored.count("attempt")


def test_a_thousand_opens_ask_graph_nothing(app: Flask, graph: Graph, stored: StoredRows) -> None:
    """R8: a stranger cannot spend the Page's quota, and beyond 300 nor our disk."""
    stranger = PageVisitor(app, keeps_cookies=False)

    statuses = [stranger.opens(log_in().address()).status for _ in range(1000)]

    assert [303] * 300 + [429] * 700 == statuses
    assert [] == graph.calls
    assert 300 == stored.count("attempt")
    assert int(stranger.sees.headers["retry-after"]) in range(1, 301)
    assert "Too many attempts." in stranger.reads


def test_two_tabs_are_two_attempts(visitor: PageVisitor) -> None:
    """Each tab goes on by itself; a fourth takes the place of the oldest."""
    addresses = [visitor.opens(log_in().address()).location for _ in range(4)]

    statuses = [visitor.opens(address).status for address in addresses]

    assert [400, 200, 200, 200] == statuses
    assert 200 == visitor.opens(addresses[1] + "/confirm").status


def test_a_browser_without_cookies_is_told_so(app: Flask) -> None:
    """R19: it cannot go on, and says what to do."""
    stranger = PageVisitor(app, keeps_cookies=False)

    stranger.taps_log_in(log_in())

    assert 400 == stranger.sees.status
    assert "Tap Log In in the chat." in stranger.reads
    assert "allow cookies for this site first" in stranger.reads


def test_a_clean_address_in_another_browser_leads_nowhere(app: Flask, visitor: PageVisitor) -> None:
    """R19: copied out of the address bar, it shows nothing of the attempt."""
    other = PageVisitor(app)
    other.opens(log_in().address())
    visitor.opens(log_in().address())

    answer = visitor.opens(other.sees.location)

    assert 400 == answer.status
    assert "Tap Log In in the chat." in visitor.reads
    assert "keeps no cookies" not in visitor.reads
    assert () == answer.forms


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1) [FBAN/MessengerForiOS;FBAV/530.0.0.1]",
        "Mozilla/5.0 (Linux; Android 16; wv) Chrome/140.0 Mobile [FB_IAB/Orca-Android;FBAV/530.0]",
    ],
)
def test_the_browsers_inside_metas_apps_are_people(visitor: PageVisitor, user_agent: str) -> None:
    """R8: only the crawlers are kept out, which no person uses."""
    assert 303 == visitor.opens(log_in().address(), **{"User-Agent": user_agent}).status


def test_a_preview_does_not_make_the_true_link_look_opened_elsewhere(
    app: Flask, visitor: PageVisitor, stored: StoredRows
) -> None:
    """R8: `also_opened_elsewhere` is a warning, and a preview is no reason for one."""
    login = log_in()
    PageVisitor(app).opens(login.address(), **META_CRAWLERS[0])

    visitor.taps_log_in(login)

    assert 1 == stored.count("attempt")

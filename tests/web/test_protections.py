"""Security headers of every answer, and the CSRF checks of forms (R67, R72 to R79, R83)."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL

from app import create_app
from app.services.container import Services, build
from app.web.pages.sealed_cookies import MOST_DELETED
from app.web.server.limits import MOST_COOKIES
from tests.actors import Graph, LogIn, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, PUBLIC_URL, settings_for
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SHOP = "https://link.shop.example"


@pytest.fixture
def known(graph: Graph) -> LogIn:
    login = log_in()
    graph.knows(login, ANA)
    return login


@pytest.fixture
def visitor(app: Flask) -> PageVisitor:
    return PageVisitor(app)


def _style(browser: InProcess) -> str:
    page = browser("GET", "/").text
    return page.split('rel="stylesheet" href="')[1].split('"')[0]


def test_every_answer_carries_what_its_kind_must(visitor: PageVisitor, app: Flask) -> None:
    """R72, R73, R79: pages, redirects, errors, static files and what is for machines."""
    browser = visitor.browser
    answers = {
        "landing": browser("GET", "/"),
        "refused entry": browser("GET", "/authorize"),
        "redirect": browser("GET", log_in().address()),
        "no cookie": InProcess(app, PUBLIC_URL)("GET", "/authorize/abc"),
        "sign-in": visitor.taps_log_in(log_in()),
        "not found": browser("GET", "/nothing"),
        "wrong method": browser("PUT", "/authorize"),
        "options": browser("OPTIONS", "/authorize"),
        "prefetch": browser("GET", log_in().address(), headers={"Purpose": "prefetch"}),
        "unsigned": browser("POST", "/webhook", body=b"{}"),
        "too large": browser("POST", "/webhook", body=b"x" * (4 * 1024 * 1024 + 1)),
        "handshake": browser("GET", "/webhook"),
        "refused callback": browser("POST", "/privacy/data-deletion", body=b""),
        "deletion": browser("GET", "/privacy/deletion"),
        "health": browser("GET", "/healthz"),
        "style": browser("GET", _style(browser)),
        "old style": browser("GET", "/static/0000/style.css"),
    }

    wrong = {name: faults for name, answer in answers.items() if (faults := _faults(answer))}

    assert {} == wrong


def _faults(answer: Answer) -> list[str]:
    head = answer.headers
    policy = head.get("content-security-policy", "")
    faults = [
        name
        for name, expected in (
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        )
        if head.get(name) != expected
    ]
    directives = policy.split("; ")
    # default-src covers objects, but neither of the others.
    if not {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(directives):
        faults.append("policy")
    if "unsafe" in policy or "*" in policy or "http" in policy:
        faults.append("a lax policy")
    kind = head.get("content-type", "text/html; charset=utf-8")
    if kind.startswith("text/") and "charset=utf-8" not in kind:
        faults.append("charset")
    if kind.startswith("text/html") and head.get("x-frame-options") != "DENY":
        faults.append("frames")
    if {"server", "x-powered-by"} & set(head):
        faults.append("who we are")
    is_kept = "immutable" in head["cache-control"] and answer.status == 200
    if head["cache-control"] != "no-store" and not is_kept:
        faults.append("cache")
    return faults


@pytest.mark.usefixtures("jane")
def test_no_page_of_an_attempt_limits_where_its_forms_lead(
    visitor: PageVisitor, known: LogIn
) -> None:
    """R75: Chromium would stop the way back to Messenger, on any page that has a form."""
    pages = [visitor.taps_log_in(known), visitor.signs_in(password="wrong"), visitor.signs_in()]
    pages += [visitor.opens("/authorize"), visitor.opens("/authorize/gone")]

    assert [] == [p.status for p in pages if "form-action" in p.headers["content-security-policy"]]
    assert "form-action 'self'" in visitor.opens("/").headers["content-security-policy"]
    assert {"Cookie, Accept-Language"} == {page.headers["vary"] for page in pages}


def test_the_cookie_belongs_to_this_host_alone(database: URL) -> None:
    """R66, R67: named so that a browser takes it from nobody else."""
    services = build(settings_for(database, PUBLIC_URL=SHOP))
    browser = InProcess(create_app(services), SHOP)

    cookie = browser("GET", log_in().address()).headers["set-cookie"]

    services.engine.dispose()
    name, _, attributes = cookie.partition("=")
    assert name.startswith("__Host-attempt-")
    assert len(name) >= len("__Host-attempt-") + 22
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=900"} < set(
        attributes.split("; ")
    )
    assert "Domain" not in attributes
    assert len(cookie) < 4096


def test_many_cookies_do_not_swell_the_answer(app: Flask) -> None:
    """R67: what no proxy would pass on keeps the person out; a few are taken back each time."""
    cookies = "; ".join(f"attempt-{number}=a.b.c" for number in range(MOST_COOKIES))

    answer = app.test_client(use_cookies=False).get(
        log_in().address(), base_url=PUBLIC_URL, headers={"Cookie": cookies}
    )

    assert 303 == answer.status_code
    assert 1 + MOST_DELETED == len(answer.headers.getlist("Set-Cookie"))


def test_only_hashes_of_an_attempt_are_stored(visitor: PageVisitor, services: Services) -> None:
    """R66: with a copy of the table nobody can go on with an attempt."""
    cookie = visitor.opens(log_in().address()).headers["set-cookie"]

    row = StoredRows(services).row("attempt")

    assert 64 == len(row["secret_hash"]) == len(row["token_hash"])
    assert row["secret_hash"] not in cookie


# What a browser says of where a form comes from, and whether it is heard.
ORIGINS = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC_URL}, False),
    ({"Sec-Fetch-Site": "same-origin, cross-site"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({}, True),
    ({"Origin": "null"}, True),
    ({"Origin": PUBLIC_URL}, True),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": PUBLIC_URL.replace("http:", "https:")}, False),
    ({"Origin": PUBLIC_URL + ".evil.example"}, False),
    ({"Origin": PUBLIC_URL + "/"}, False),
    ({"Origin": "http://[::1"}, False),
    ({"Origin": ""}, False),
]
# Each would be parsed, or repeated on the page.
URLENCODED = "application/x-www-form-urlencoded"
COSTLY_FORMS = [
    pytest.param((URLENCODED, {"a": ["b"] * 64}), 413, id="many fields"),
    pytest.param((URLENCODED, {"username": "u" * 4097}), 413, id="long"),
    pytest.param((URLENCODED, {"a": "b" * 65536}), 413, id="too long"),
    pytest.param(("multipart/form-data", {"a": "b"}), 400, id="multipart"),
    pytest.param(("multipart/form-data", {"a": ["b"] * 900}), 413, id="large multipart"),
    pytest.param(("text/plain", {}), 400, id="text"),
    pytest.param(("application/json", {}), 400, id="JSON"),
]


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize(("costly", "status"), COSTLY_FORMS)
def test_a_form_that_no_page_of_ours_sends_is_not_parsed(
    app: Flask, known: LogIn, services: Services, costly: tuple[str, dict[str, Any]], status: int
) -> None:
    """R45: whatever Werkzeug's limits are; nothing of it is repeated."""
    client = app.test_client()
    address = client.get(known.address(), base_url=PUBLIC_URL).headers["Location"]
    page = client.get(address, base_url=PUBLIC_URL).text
    (token,) = set(re.findall(r'name="form_token" value="([^"]+)"', page))
    before = StoredRows(services).row("attempt")

    encoding, fields = costly
    form = {"form_token": token, "username": "jane@example.com", "password": "x", **fields}
    answer = client.post(
        address,
        base_url=PUBLIC_URL,
        data=form if "form" in encoding else f"form_token={token}&username=jane@example.com",
        content_type=encoding,
    )

    assert status == answer.status_code
    assert len(answer.data) < 8192
    assert "uuuu" not in answer.text
    assert before == StoredRows(services).row("attempt")


FORMS = ["", "/confirm", "/sign-out", "/cancel"]


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize(("headers", "is_heard"), ORIGINS, ids=str)
def test_a_form_from_elsewhere_is_not_heard(
    visitor: PageVisitor, known: LogIn, headers: Mapping[str, str], *, is_heard: bool
) -> None:
    """R77: the right token does not help whoever posts it from another site."""
    visitor.taps_log_in(known)

    answer = visitor.sends(visitor.sees.form("Back to Messenger"), headers=headers)

    assert (303 if is_heard else 400) == answer.status
    if not is_heard:
        assert "This page is out of date. Try again." in visitor.reads
        assert "Back to Messenger" in visitor.reads
        assert "location" not in answer.headers


@pytest.mark.usefixtures("jane")
@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "\ud800\u0000é", "x" * 5000])
def test_a_form_without_its_token_does_nothing(
    visitor: PageVisitor, known: LogIn, services: Services, path: str, token: str | None
) -> None:
    """R77: whatever stands in its place."""
    visitor.taps_log_in(known)
    address = visitor.sees.form("Log in").action
    visitor.signs_in()
    stored = StoredRows(services)
    before = stored.row("attempt")
    body = {"username": "jane@example.com", "password": "x"}
    if token is not None:
        body["form_token"] = token.encode("utf-8", "replace").decode()

    answer = visitor.browser("POST", address + path, body=body)

    assert 400 == answer.status
    assert "location" not in answer.headers
    assert before == stored.row("attempt")


def _points(answer: Answer) -> int:
    """Return what MDN's Observatory gives, by the rules that apply here (R83, read 2026-11)."""
    head = answer.headers
    policy = dict(
        [*directive.split(" ", 1), ""][:2]
        for directive in head["content-security-policy"].split("; ")
    )
    deductions = [
        (25, "default-src" not in policy),
        (20, "unsafe-inline" in str(policy)),
        (20, "x-frame-options" not in head and "frame-ancestors" not in policy),
        (20, "strict-transport-security" not in head),
        (50, "access-control-allow-origin" in head),
        (5, head.get("x-content-type-options") != "nosniff"),
    ]
    cookie = head.get("set-cookie", "Secure; HttpOnly; SameSite=Lax")
    deductions += [(40, "Secure" not in cookie), (30, "HttpOnly" not in cookie)]
    score = 100 - sum(points for points, is_so in deductions if is_so)
    bonus = [
        (10, policy.get("default-src") == "'none'"),
        (10, head.get("cross-origin-opener-policy") == "same-origin"),
        (10, head.get("cross-origin-resource-policy") == "same-origin"),
        (10, head.get("cross-origin-embedder-policy") == "require-corp"),
        (5, policy.get("frame-ancestors") == "'none'"),
        (5, "SameSite=" in cookie),
        (5, head.get("referrer-policy") in {"no-referrer", "same-origin"}),
    ]
    return score + (sum(points for points, is_so in bonus if is_so) if score >= 90 else 0)


@pytest.mark.usefixtures("jane")
def test_the_pages_earn_the_best_grade(database: URL, graph: Graph) -> None:
    """R83: entry error, sign-in and confirm, over https; A+ begins at 100, we aim at 120."""
    services = build(settings_for(database, PUBLIC_URL=SHOP))
    visitor = PageVisitor(create_app(services), origin=SHOP)
    login = log_in()
    graph.knows(login, ANA)

    pages = [visitor.opens("/authorize"), visitor.taps_log_in(login), visitor.signs_in()]

    services.close()
    assert [400, 200, 200] == [page.status for page in pages]
    assert min(_points(page) for page in pages) >= 120
    # Messenger may have opened them in a window of its own, which it then could not close.
    assert not any("cross-origin-opener-policy" in page.headers for page in pages)

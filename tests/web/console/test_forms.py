"""Every form of the console: from a page of this session, for this act and this thing (R137)."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.operators.roles import Role
from app.services.container import Services
from app.web.console.rules import rule_of
from tests.web.console.staff import SAME_ORIGIN, Staff, acts
from tests.web.console.test_roles import path_of
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SignedIn = Callable[[Role], Staff]
ORIGIN = "http://localhost:8000"
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "http://127.0.0.1:8000"},
]


def posts_of(console: Flask) -> list[str]:
    return sorted(
        path_of(rule.rule)
        for rule in console.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    )


def test_no_post_is_taken_without_its_token(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R137: neither without one, nor with one of another address; an admin's as any other."""
    admin = signed_in(Role.ADMIN)
    for number, path in enumerate(posts_of(console)):
        if number and number % 10 == 0:
            # One session has 60 requests a minute.
            assert 303 == admin.signs_in(Role.ADMIN.value).status
        admin.opens("/")
        token = admin.form("Sign out").fields["form_token"]
        before = acts(services)
        for fields in ({}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": token}):
            if fields.get("form_token") == token and path == "/sign-out":
                continue
            answer = admin.posts(path, fields)
            assert 400 == answer.status, path
            assert "Nothing was changed." in answer.text
        assert before == acts(services)
        assert 200 == admin.opens("/").status


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_post_of_another_site_is_taken(
    services: Services, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    """R137: not with the right token, either."""
    admin = signed_in(Role.ADMIN)
    admin.opens("/")
    form = admin.form("Sign out")

    assert 400 == admin.posts(form.action, form.fields, headers).status
    assert ("signed_out", "done") not in acts(services)


@pytest.mark.parametrize("headers", [SAME_ORIGIN, {"Origin": ORIGIN}, {}], ids=str)
def test_a_post_of_our_own_page_is_taken(signed_in: SignedIn, headers: dict[str, str]) -> None:
    """R137: an old browser sends no Sec-Fetch-Site, and to a no-referrer page no Origin."""
    admin = signed_in(Role.ADMIN)
    admin.opens("/")
    form = admin.form("Sign out")

    assert 303 == admin.posts(form.action, form.fields, headers).status


def test_a_form_of_another_session_is_refused(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R137: of the same operator's other browser, too."""
    one = signed_in(Role.ADMIN)
    two = Staff(console)
    two.signs_in("admin")
    one.opens("/")
    form = one.form("Sign out")

    assert 400 == two.posts(form.action, form.fields).status
    assert 2 == StoredRows(services).count("operator_session", "ended_at IS NULL")


def test_the_sign_in_form_belongs_to_its_browser(console: Flask) -> None:
    """R137: nobody signs another browser in to an account of theirs."""
    theirs, mine = Staff(console), Staff(console)
    theirs.opens("/sign-in")
    form = theirs.form("Sign in")

    assert 400 == mine.posts(form.action, form.fields).status
    mine.opens("/sign-in")
    assert 400 == mine.posts(form.action, form.fields).status


def test_the_sign_in_form_lasts_an_hour(console: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """R137: after that it is loaded again."""
    staff = Staff(console)
    staff.opens("/sign-in")
    form = staff.form("Sign in")
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 4_000_000_000)

    assert 400 == staff.posts(form.action, form.fields).status


def test_a_large_form_is_refused(signed_in: SignedIn) -> None:
    """R45, R137: in bytes, in fields, and in one field."""
    admin = signed_in(Role.ADMIN)
    admin.opens("/")
    form = admin.form("Sign out")
    many = {f"field{n}": "x" for n in range(70)}

    assert 413 == admin.posts(form.action, {**form.fields, "x": "y" * 70_000}).status
    assert 413 == admin.posts(form.action, {**form.fields, **many}).status
    assert 413 == admin.posts(form.action, {**form.fields, "reason": "y" * 5_000}).status


def test_a_form_that_is_no_form_is_refused(signed_in: SignedIn) -> None:
    """R137: JSON and plain text, which another site's page could send without asking."""
    admin = signed_in(Role.ADMIN)
    admin.opens("/")
    form = admin.form("Sign out")
    headers = {**SAME_ORIGIN, "Content-Type": "text/plain"}

    assert 400 == admin.posts(form.action, form.fields, headers).status


def test_views_with_an_act_are_posts(console: Flask) -> None:
    """R137: a GET never acts."""
    for rule in console.url_map.iter_rules():
        act = rule_of(console.view_functions[rule.endpoint])
        assert act is None or act.act is None or {"POST"} == (rule.methods or set())

"""Signing in to the console at the operators' provider, and again before an act (R136)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import URL

from app.infra import clock
from app.infra.observability import logs
from app.services.container import Services, build
from app.web.console.factory import make_console
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.installation import settings_for
from tests.web.console.staff import CONSOLE_URL, Staff, acts, audit_rows
from tests.web.stored_rows import StoredRows

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.real_peers,
]

CALLBACK = "/sign-in/oidc/callback"


class Scene:
    """A console whose operators sign in at a provider that the test controls."""

    def __init__(self, console: Flask, services: Services, provider: Provider) -> None:
        self.console, self.services, self.provider = console, services, provider
        self.staff = Staff(console)

    def departs(self, next_: str = "/") -> str:
        """Leave for the provider; return the address there."""
        sent = self.staff.opens(f"/sign-in/oidc?{urlencode({'next': next_})}")
        assert 303 == sent.status, sent.text
        return sent.location

    def returns(self, url: str, **changed: str) -> int:
        """Come back from *url* with what the provider says, or with what is *changed*."""
        params = {**self.provider.sends_back(url), **changed}
        # As a browser does that another site has sent here.
        self.staff.opens(f"{CALLBACK}?{urlencode(params)}", Sec_Fetch_Site="cross-site")
        return self.staff.sees.status

    def signs_in(self, next_: str = "/") -> int:
        return self.returns(self.departs(next_))

    @property
    def sessions(self) -> int:
        return StoredRows(self.services).count("operator_session", "ended_at IS NULL")


@contextmanager
def scene(database: URL, **changed: str) -> Iterator[Scene]:
    with providing(clock.now()) as provider:
        provider.claims = {"name": "Kim", "email": None, "groups": ["staff", "support"]}
        given = {
            "CONSOLE_URL": CONSOLE_URL,
            "CONSOLE_SIGN_IN": "oidc",
            "CONSOLE_OIDC_ISSUER": provider.issuer,
            "CONSOLE_OIDC_CLIENT_ID": CLIENT_ID,
            "CONSOLE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "CONSOLE_OIDC_LABEL": "Staff login",
            "CONSOLE_SUPPORT": "group:support",
            **changed,
        }
        services = build(settings_for(database, **given), limit_seconds=60)
        yield Scene(make_console(services), services, provider)
        services.close()


@pytest.fixture
def at_provider(database: URL) -> Iterator[Scene]:
    with scene(database) as made:
        yield made


def test_an_operator_signs_in_at_the_provider(at_provider: Scene) -> None:
    """R136: with code, PKCE, nonce, and a sign-in of this moment; a page of ours leads on."""
    url = at_provider.departs("/sessions")
    asked = parse_qs(urlsplit(url).query)
    assert ["code"] == asked["response_type"]
    assert ["S256"] == asked["code_challenge_method"]
    assert (["0"], ["login"]) == (asked["max_age"], asked["prompt"])
    assert [f"{CONSOLE_URL}{CALLBACK}"] == asked["redirect_uri"]
    assert asked["nonce"]
    assert asked["state"]

    assert 200 == at_provider.returns(url)
    assert "0; url=/sessions" == at_provider.staff.sees.headers["refresh"]
    page = at_provider.staff.opens("/sessions")
    assert "Signed in as <bdi>Kim</bdi> (support)." in page.text
    assert [("signed_in", "done")] == acts(at_provider.services)
    assert f"oidc:{at_provider.provider.issuer}#u-1" == audit_rows(at_provider.services)[0]["actor"]


def test_a_password_is_not_asked_for_and_not_taken(at_provider: Scene) -> None:
    """R136: where CONSOLE_SIGN_IN has oidc alone."""
    page = at_provider.staff.opens("/sign-in")

    assert "password" not in page.text
    assert "Sign in at <bdi>Staff login</bdi>" in page.text
    assert 404 == at_provider.staff.posts("/sign-in", {}).status


@pytest.mark.parametrize(
    "auth_time",
    [None, "old", "float", "text", True],
    ids=str,
)
def test_without_a_proof_of_this_moment_nobody_is_signed_in(
    at_provider: Scene, auth_time: Any
) -> None:
    """R136: the provider must say as a whole number that the sign-in was not before the asking."""
    now = clock.now().timestamp()
    values = {"old": int(now) - 120, "float": now, "text": str(int(now))}
    at_provider.provider.claims["auth_time"] = values.get(auth_time, auth_time)

    assert 422 == at_provider.signs_in()
    assert 0 == at_provider.sessions


def test_the_time_of_the_sign_in_counts_by_what_is_signed_alone(at_provider: Scene) -> None:
    """R136: at some providers people write their own attributes, which UserInfo hands out."""
    at_provider.provider.claims |= {"auth_time": None, "groups": None}
    told = {"auth_time": int(clock.now().timestamp()), "groups": ["support"]}
    at_provider.provider.userinfo |= told

    assert 422 == at_provider.signs_in()
    assert 0 == at_provider.sessions


def test_no_name_at_the_provider_keeps_an_operator_out(at_provider: Scene) -> None:
    """R136: PostgreSQL keeps no NUL."""
    at_provider.provider.claims["name"] = "K\0im"

    assert 200 == at_provider.signs_in()
    assert "K\ufffdim" == audit_rows(at_provider.services)[-1]["actor_name"]


def test_a_clock_that_is_a_minute_behind_is_no_obstacle(at_provider: Scene) -> None:
    """R136: 50 seconds are."""
    at_provider.provider.claims["auth_time"] = int(clock.now().timestamp()) - 50

    assert 200 == at_provider.signs_in()


@pytest.mark.parametrize(
    ("claims", "changed"),
    [
        ({"groups": ["staff"]}, {}),
        ({"groups": None}, {}),
        ({"groups": "supporter"}, {}),
        ({"groups": {"support": True}}, {}),
        ({"groups": [["support"], 17]}, {}),
        ({"email": "group:support"}, {}),
        ({}, {"CONSOLE_SUPPORT": "sub:jane@example.com"}),
    ],
    ids=str,
)
def test_who_has_no_role_has_no_session(
    database: URL, claims: dict[str, Any], changed: dict[str, str]
) -> None:
    """R136: the provider knows everybody of the business; an e-mail address is no proof."""
    with scene(database, **changed) as made:
        made.provider.claims |= {"groups": ["staff"], **claims}
        assert 403 == made.signs_in()
        assert "Your account may not use this console." in made.staff.sees.text
        assert 0 == made.sessions


@pytest.mark.parametrize(
    ("rules", "role"),
    [
        ({"CONSOLE_ADMINS": "sub:u-1", "CONSOLE_VIEWERS": "group:support"}, "admin"),
        ({"CONSOLE_VIEWERS": "group:staff"}, "support"),
        ({"CONSOLE_SUPPORT": "", "CONSOLE_VIEWERS": "group:staff"}, "viewer"),
    ],
    ids=str,
)
def test_the_highest_role_counts(database: URL, rules: dict[str, str], role: str) -> None:
    """R136: of the lists that name the subject or one of the groups."""
    with scene(database, **rules) as made:
        assert 200 == made.signs_in()
        assert f"({role})" in made.staff.opens("/").text


def test_a_list_that_has_changed_counts_at_the_next_request(database: URL) -> None:
    """R135: after SIGHUP, as with a changed issuer or without this way to sign in."""
    with scene(database) as made:
        made.signs_in()
        issuer = made.provider.issuer
        for changed in (
            {"CONSOLE_SUPPORT": "group:others"},
            {"CONSOLE_OIDC_ISSUER": f"{issuer}/other"},
            {"CONSOLE_SIGN_IN": "local"},
        ):
            given = {
                "CONSOLE_URL": CONSOLE_URL,
                "CONSOLE_SIGN_IN": "oidc",
                "CONSOLE_OIDC_ISSUER": issuer,
                "CONSOLE_OIDC_CLIENT_ID": CLIENT_ID,
                "CONSOLE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
                "CONSOLE_SUPPORT": "group:support",
                **changed,
            }
            made.console.extensions["threadlink"].__dict__["settings"] = settings_for(
                database, **given
            )
            assert 303 == made.staff.opens("/").status


def test_an_answer_serves_once_and_in_its_browser(at_provider: Scene) -> None:
    """R136: neither again, nor in another browser, nor with another state."""
    url = at_provider.departs()
    other = Staff(at_provider.console)
    params = urlencode(at_provider.provider.sends_back(url))
    assert 422 == other.opens(f"{CALLBACK}?{params}").status
    assert 422 == at_provider.returns(url, state="another")
    # The memo went with the first answer, whatever that was.
    assert 422 == at_provider.returns(url)
    assert 422 == at_provider.staff.opens(f"{CALLBACK}?{params}&code=two").status
    assert 422 == at_provider.staff.opens(CALLBACK).status
    assert 0 == at_provider.sessions


def test_a_visit_that_took_too_long_is_over(
    at_provider: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R136: after ten minutes."""
    url = at_provider.departs()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 4_000_000_000)

    assert 422 == at_provider.returns(url)


def test_only_the_same_person_signs_in_again(at_provider: Scene) -> None:
    """R136: for an act, another subject proves nothing, and the session stays whose it is."""
    at_provider.signs_in()
    at_provider.provider.claims["sub"] = "u-2"

    assert 403 == at_provider.signs_in("/sessions")
    assert "somebody else" in at_provider.staff.sees.text
    assert 1 == at_provider.sessions
    at_provider.provider.claims["sub"] = "u-1"
    assert 200 == at_provider.signs_in("/sessions")
    assert 1 == at_provider.sessions
    assert ("reauthenticated", "done") == acts(at_provider.services)[-1]


def test_a_provider_that_is_away_is_told(
    at_provider: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """R136: with the settings named as they are; the page says what to do."""
    logs.configure(level="info", form="json")
    at_provider.provider.metadata = {"issuer": "https://another.example"}
    page = at_provider.staff.opens("/sign-in/oidc")

    assert 503 == page.status
    assert "The provider does not answer as it should." in page.text
    log = capsys.readouterr().err
    assert "CONSOLE_OIDC_ISSUER" in log
    assert "<NAME>" not in log


def test_who_cancels_is_told_so(at_provider: Scene) -> None:
    """R136: and may try again."""
    url = at_provider.departs()
    params = {
        "error": "access_denied",
        "state": parse_qs(urlsplit(url).query)["state"][0],
        "iss": at_provider.provider.issuer,
    }
    page = at_provider.staff.opens(f"{CALLBACK}?{urlencode(params)}")

    assert 422 == page.status
    assert "You have cancelled the sign-in" in page.text
    assert "Sign in at" in page.text

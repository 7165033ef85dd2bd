"""What every answer of the console has, and how much of it one session may have (R139)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import URL

from app.infra.observability import logs
from app.infra.resources import shipped
from app.operators.roles import Role
from app.services.container import Services, build
from app.web.console.factory import make_console
from app.web.console.pace import MOST_IN_WINDOW
from app.web.console.rules import rule_of
from tests.installation import settings_for
from tests.web.console.staff import Staff, add_operator

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SignedIn = Callable[[Role], Staff]


@pytest.mark.parametrize("path", ["/", "/sessions", "/sign-in", "/nothing"])
def test_no_page_can_run_a_script_or_be_framed(signed_in: SignedIn, path: str) -> None:
    """R72, R139: nor be kept, nor found by a search engine, nor tell where it leads from."""
    page = signed_in(Role.ADMIN).opens(path)
    policy = page.headers["content-security-policy"].split("; ")

    assert {
        "default-src 'none'",
        "script-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    } <= set(policy)
    assert "unsafe" not in str(policy)
    assert "no-store" == page.headers["cache-control"]
    assert "noindex" == page.headers["x-robots-tag"]
    assert "same-origin" == page.headers["cross-origin-opener-policy"]
    assert "no-referrer" == page.headers["referrer-policy"]
    assert "nosniff" == page.headers["x-content-type-options"]
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_over_https_cookies_are_for_this_host_alone(database: URL) -> None:
    """R135: by the browser's own rule for names that begin with __Host-."""
    given = {
        "PUBLIC_URL": "https://link.shop.example",
        "CONSOLE_URL": "https://console.shop.example",
        "TRUSTED_PROXIES": "1",
    }
    services = build(settings_for(database, **given))
    add_operator(services, "kim", Role.ADMIN)
    console = make_console(services)
    staff = Staff(console, "https://console.shop.example")
    by_proxy = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https"}
    page = staff.opens("/sign-in", **by_proxy)
    services.close()

    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-console-entry=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "max-age=31536000; includeSubDomains" == page.headers["strict-transport-security"]


def test_a_session_has_sixty_requests_a_minute(
    signed_in: SignedIn, later: Callable[[timedelta], None]
) -> None:
    """R139: nobody reads faster; what copies pages is stopped."""
    staff = signed_in(Role.VIEWER)
    for _ in range(MOST_IN_WINDOW):
        assert 200 == staff.opens("/").status
    page = staff.opens("/")
    assert 429 == page.status
    assert "retry-after" in page.headers
    later(timedelta(minutes=1, seconds=1))
    assert 200 == staff.opens("/").status


def test_four_requests_at_once_are_enough(console: Flask, signed_in: SignedIn) -> None:
    """R139: the other threads stay with Messenger and with people; a place is always given back."""
    staff = signed_in(Role.VIEWER)
    places = console.extensions["threadlink-console"].places
    for _ in range(10):
        staff.opens("/nothing")
        staff.opens("/sessions")
    assert all(places.acquire(blocking=False) for _ in range(4))

    page = staff.opens("/")
    assert 503 == page.status
    assert "retry-after" in page.headers
    for _ in range(4):
        places.release()
    assert 200 == staff.opens("/").status


def test_an_error_tells_nothing_of_itself(
    console: Flask, signed_in: SignedIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """R139: the page has a reference, and the log what happened under it."""
    logs.configure(level="info", form="json")
    staff = signed_in(Role.VIEWER)

    def fails() -> str:
        raise RuntimeError("canary-inside")

    setattr(fails, "console_rule", rule_of(console.view_functions["overview.show"]))  # noqa: B010 - as rules.py does it
    console.view_functions["overview.show"] = fails
    page = staff.opens("/")

    assert 500 == page.status
    assert "canary" not in page.text
    log = capsys.readouterr().err
    reference = page.text.partition("Reference ")[2][:9]
    assert reference in log
    assert "request.failed" in log


def test_hostile_names_are_text(services: Services, console: Flask) -> None:
    """R139: of an operator as of anybody; no template calls anything safe."""
    name = '"><script>alert(1)</script>\u202egnp'
    with pytest.raises(Exception, match="invisible"):
        add_operator(services, name, Role.VIEWER)
    add_operator(services, name.replace("\u202e", ""), Role.VIEWER)
    staff = Staff(console)
    staff.signs_in(name.replace("\u202e", ""))

    for path in ("/", "/sessions", "/re-authenticate"):
        assert "<script" not in staff.opens(path).text
    for template in (shipped("templates") / "console").iterdir():
        assert "safe" not in template.read_text()


def test_a_stylesheet_is_found_by_its_content(console: Flask) -> None:
    """R139: and is all that the console sends beside pages."""
    staff = Staff(console)
    page = staff.opens("/sign-in")
    links = [part.partition('"')[0] for part in page.text.split('rel="stylesheet" href="')[1:]]

    assert 2 == len(links)
    for link in links:
        style = staff.opens(link)
        assert (200, "text/css; charset=utf-8") == (style.status, style.headers["content-type"])
    assert 404 == staff.opens("/static/0000000000000000/console.css").status
    assert 404 == staff.opens(links[0].replace("style.css", "page.js")).status

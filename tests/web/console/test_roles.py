"""Who may call what: every route of the console x every method x every role (R137)."""

import re
from collections.abc import Callable
from itertools import product
from typing import Final

import pytest
from flask import Flask

from app.operators.roles import Role
from app.services.container import Services
from app.web.console import overview
from app.web.console.rules import allows, rule_of
from tests.web.console.staff import Staff, acts

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SignedIn = Callable[[Role], Staff]
# By route: who may call it, None for everybody. A route without a row fails the first test, and a
# row without a route as well: whoever adds a page says here for whom it is.
LEAST: Final[dict[tuple[str, str], Role | None]] = {
    ("GET", "/"): Role.VIEWER,
    ("GET", "/causes/<slug>"): Role.VIEWER,
    ("GET", "/attempts"): Role.VIEWER,
    ("GET", "/attempts/<reference>"): Role.VIEWER,
    ("GET", "/search"): Role.SUPPORT,
    ("POST", "/search"): Role.SUPPORT,
    ("GET", "/people/<page_id>/<psid>"): Role.SUPPORT,
    ("GET", "/people/<page_id>/<psid>/unlink"): Role.SUPPORT,
    ("POST", "/people/<page_id>/<psid>/unlink"): Role.SUPPORT,
    ("GET", "/users/<issuer>/<subject>"): Role.SUPPORT,
    ("GET", "/users/<issuer>/<subject>/unlink-all"): Role.SUPPORT,
    ("POST", "/users/<issuer>/<subject>/unlink-all"): Role.SUPPORT,
    ("GET", "/outbox"): Role.VIEWER,
    ("GET", "/outbox/<item_id>"): Role.SUPPORT,
    ("POST", "/outbox/<item_id>/replay"): Role.SUPPORT,
    ("GET", "/outbox/replay-all/<kind>"): Role.ADMIN,
    ("POST", "/outbox/replay-all/<kind>"): Role.ADMIN,
    ("GET", "/accounts"): Role.SUPPORT,
    ("POST", "/accounts"): Role.SUPPORT,
    ("GET", "/accounts/<subject>"): Role.SUPPORT,
    ("GET", "/accounts/<subject>/disable"): Role.SUPPORT,
    ("POST", "/accounts/<subject>/disable"): Role.SUPPORT,
    ("GET", "/accounts/<subject>/enable"): Role.SUPPORT,
    ("POST", "/accounts/<subject>/enable"): Role.SUPPORT,
    ("GET", "/keys"): Role.ADMIN,
    ("GET", "/keys/<key_id>/revoke"): Role.ADMIN,
    ("POST", "/keys/<key_id>/revoke"): Role.ADMIN,
    ("GET", "/meta"): Role.VIEWER,
    ("POST", "/meta/check"): Role.SUPPORT,
    ("GET", "/privacy"): Role.SUPPORT,
    ("POST", "/privacy/<reference>/retry"): Role.SUPPORT,
    ("GET", "/privacy/<reference>/close"): Role.ADMIN,
    ("POST", "/privacy/<reference>/close"): Role.ADMIN,
    ("GET", "/audit"): Role.SUPPORT,
    ("GET", "/sessions"): Role.VIEWER,
    ("POST", "/sessions/<session_id>/end"): Role.VIEWER,
    ("GET", "/sign-in"): None,
    ("POST", "/sign-in"): None,
    ("GET", "/re-authenticate"): Role.VIEWER,
    ("POST", "/re-authenticate"): Role.VIEWER,
    ("POST", "/sign-out"): Role.VIEWER,
    ("GET", "/sign-in/oidc"): None,
    ("GET", "/sign-in/oidc/callback"): None,
    ("GET", "/static/<digest>/<name>"): None,
}
# Where a link of another site, such as a ticket system's, may lead.
FROM_ELSEWHERE: Final = {
    "/",
    "/attempts/<reference>",
    "/sign-in",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
    "/static/<digest>/<name>",
}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Stands for what a path names; there is no such thing.
NOTHING: Final = "nothing"


def path_of(route: str) -> str:
    """Return a path of *route* to something that is not there."""
    return re.sub(r"<[^>]+>", NOTHING, route)


def test_every_route_has_a_row(console: Flask) -> None:
    """R137: a page that nobody has thought of the rights of is not built."""
    routes = {
        (method, rule.rule): rule_of(console.view_functions[rule.endpoint])
        for rule in console.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }

    assert LEAST.keys() == routes.keys()
    for key, rule in routes.items():
        assert rule is not None, key
        assert LEAST[key] == rule.role, key
        assert rule.is_from_elsewhere == (key[1] in FROM_ELSEWHERE), key
        # What changes something has a row in the audit, and is no GET.
        assert rule.act is None or key[0] == "POST", key
        # Where a reason is missing, the act is answered with the page that asks for it (R138).
        asks = routes.get(("GET", key[1])) if rule.act else None
        assert asks is None or asks.look == rule.look, key


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_a_request_of_any_role_gets_what_its_row_says(
    console: Flask, signed_in: SignedIn, role: Role | None
) -> None:
    """R137: 405 for another method, else the sign-in for nobody, and 403 beyond the role."""
    routes = {route for _, route in LEAST}
    # As often as needed: the limit of requests has tests of its own.
    console.extensions["threadlink-console"].pace.allows = lambda *_: True
    browser = signed_in(role) if role else Staff(console)
    for route, method in product(sorted(routes), METHODS):
        asked = "GET" if method == "HEAD" else method
        answer = browser.sends(method, path_of(route), Sec_Fetch_Site="same-origin")
        if (asked, route) not in LEAST:
            assert 405 == answer.status, (method, route)
            continue
        least = LEAST[asked, route]
        if least is None:
            assert answer.status in {200, 204, 400, 404}, (method, route)
        elif role is None:
            assert (303, "/sign-in") == (answer.status, answer.location.partition("?")[0])
        elif not role.may(least):
            assert 403 == answer.status, (method, route)
        else:
            # Without its form's token, nothing is done.
            expected = {400} if asked == "POST" else {200, 404}
            assert answer.status in expected, (method, route)


def test_what_is_refused_is_in_the_audit(
    services: Services, console: Flask, signed_in: SignedIn
) -> None:
    """R137, R138: an operator who tries what the role does not allow is seen."""
    viewer = signed_in(Role.VIEWER)
    console.view_functions["overview.show"] = allows(Role.ADMIN)(overview.show)

    answer = viewer.opens("/")

    assert 403 == answer.status
    assert ("role_refused", "refused") == acts(services)[-1]


def test_a_view_without_a_rule_answers_nobody(console: Flask, signed_in: SignedIn) -> None:
    """R137: it was forgotten to say for whom it is."""
    admin = signed_in(Role.ADMIN)
    console.view_functions["overview.show"] = lambda: "secret"

    answer = admin.opens("/")

    assert 500 == answer.status
    assert "secret" not in answer.text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_of_another_site_leads_to_the_first_page_alone(
    signed_in: SignedIn, site: str
) -> None:
    """R137: it must not have an operator look at somebody, or at what they may see."""
    admin = signed_in(Role.ADMIN)
    for route, method in ((route, method) for method, route in LEAST):
        if method == "GET" and route not in FROM_ELSEWHERE:
            answer = admin.opens(path_of(route), Sec_Fetch_Site=site)
            assert (303, "/") == (answer.status, answer.location), route

    assert 200 == admin.opens("/", Sec_Fetch_Site=site).status

"""The time that the console's pages take in the server, on tables that months have filled."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.infra import clock
from app.linking.references import reference_of
from app.operators import accounts, sessions
from app.operators.roles import Role
from app.operators.sessions import Person, Ticket
from app.services.container import Services, build
from app.services.settings import settings_from_env
from app.web.console.factory import make_console
from bench import attempts, links

URL = "http://localhost:8000"
# Fewer than one session may ask for in a minute.
VIEWS = 50
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def measure(env: Mapping[str, str], page: str, count: int) -> dict[str, float]:
    """Return the p95 in ms of each page on the database of *env*, and of the slowest.

    It has *count* links and attempts. Each page is asked for `VIEWS` times, after a first time.
    """
    services = build(settings_from_env({**env, "CONSOLE_URL": URL, "LOG_LEVEL": "warning"}))
    browser = _Browser(services)
    found = {}
    for name, ask in _pages(browser, page, count):
        ask()
        took = sorted(_timed(ask) for _ in range(VIEWS))
        found[f"{name}_p95_ms"] = round(took[int(VIEWS * 0.95)] * 1000, 2)
    services.close()
    return {**found, "p95_ms": max(found.values())}


class _Browser:
    """An admin who is signed in, by as many sessions as it takes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._client: Any = make_console(services).test_client()
        given = services.hasher.hash("not used: sessions are begun without it")
        self._id = services.write(accounts.add, "bench", Role.ADMIN, given, at=clock.now())

    def get(self, path: str) -> str:
        return self._sent("GET", path)

    def post(self, path: str, **form: str) -> str:
        return self._sent("POST", path, data=form, headers={"Sec-Fetch-Site": "same-origin"})

    def renew(self) -> None:
        """Begin another session, as the present one has asked for enough."""
        person = Person(actor=accounts.actor_of(self._id), name="bench")
        ticket: Ticket = self._services.write(sessions.begin, person, at=clock.now())
        self._client.set_cookie("console-session", f"{ticket.id}.{ticket.secret}")

    def _sent(self, method: str, path: str, **request: Any) -> str:
        answer = self._client.open(path, method=method, base_url=URL, **request)
        if answer.status_code not in {200, 303}:
            raise RuntimeError(f"{path}: {answer.status}")
        text: str = answer.text
        return text


def _timed(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


def _pages(browser: _Browser, page: str, count: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each page by name, in a session of its own."""
    middle = count // 2
    reference = reference_of(attempts.id_of(middle))
    psid = links.psid(middle)
    paths = {
        "overview": "/",
        "overview_90_days": "/?days=90",
        "cause": "/causes/credentials_wrong",
        "attempts": "/attempts",
        "attempts_of_a_cause": "/attempts?cause=left_confirm",
        "attempts_filtered": "/attempts?cause=graph_token_dead&stage=signed_in",
        "attempt": f"/attempts/{reference}",
        "person": f"/people/{page}/{psid}",
        "outbox": "/outbox",
        "accounts": "/accounts",
        "keys": "/keys",
        "meta": "/meta",
        "privacy": "/privacy",
        "audit": "/audit",
        "sessions": "/sessions",
    }
    for name, path in paths.items():
        browser.renew()
        yield name, lambda path=path: browser.get(path)
    for name, term in {"search_psid": psid, "search_subject": f"user-{middle}"}.items():
        browser.renew()
        token = _TOKEN.search(browser.get("/search"))
        assert token is not None
        form = {"form_token": token[1], "term": term}
        yield name, lambda form=form: browser.post("/search", **form)

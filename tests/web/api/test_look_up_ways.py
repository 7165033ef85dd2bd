"""The two ways to a look-up, the event loop and Flask: equal in all that a client or operator sees.

Hypothesis makes the requests, plain ones and odd ones; each goes to a server that has the fast path
and to one that has not, which begin alike. LOOK_UP_EXAMPLES says how many; `make explore` sends
20,000.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from structlog.testing import capture_logs

from app import create_app
from app.api_keys import service as keys
from app.api_keys import tokens
from app.infra import clock
from app.infra.observability import metrics
from app.infra.settings.database_url import database_url
from app.messenger.signature import SIGNATURE
from app.services.container import Services, build
from app.web.server.wsgi import Application
from tests.browsers import Answer
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE, settings_for
from tests.web.api.conftest import add_link
from tests.web.gateway_client import GatewayClient, gateway_of

# To one value that is odd, so many are usual.
MOSTLY: Final = 12
EXAMPLES = int(os.environ.get("LOOK_UP_EXAMPLES", "300"))
HOST: Final = "link.shop.example"
PATH: Final = f"/api/v1/links/{PAGE}/{ANA}"
MANY: Final = "/api/v1/links/lookup"
JSON: Final = "application/json"
AGENT: Final = "facebookexternalua"

STATE: Final = (
    "SELECT id, last_used_at, exposed_at FROM api_key",
    "SELECT page_id, psid, state, version FROM link",
    "SELECT key, window_at, failures FROM throttle",
)

REFERENCE: Final = re.compile(rb'"reference": ?"[0-9a-z]{4}-[0-9a-z]{4}"')

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and the seconds that have gone by since the one before."""

    method: str
    address: str
    fields: Fields
    body: bytes
    after: int


@dataclass(slots=True)
class Way:
    """A server that begins like the other, and what it has logged and counted last."""

    services: Services
    client: GatewayClient
    requests_of_flask: list[str] = field(default_factory=list)

    def state(self) -> list[list[tuple[Any, ...]]]:
        """Return what requests may have changed in the database."""
        with self.services.engine.connect().execution_options(reading=True) as connection:
            return [sorted(map(tuple, connection.execute(text(query)))) for query in STATE]


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def issue(services: Services) -> dict[str, str]:
    """Issue a key of each kind; return them by their kinds."""
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "of a page": {"page_id": PAGE},
        "of another page": {"page_id": OTHER_PAGE},
        "without the scope": {"scopes": ["messages:send"]},
        "revoked": {},
        "expired": {"expires_at": NOON},
    }
    usual = {"scopes": keys.SCOPES, "page_id": None, "expires_at": None, "at": NOON}
    made = {kind: services.write(keys.issue, kind, **usual | rest) for kind, rest in kinds.items()}
    services.write(keys.revoke, tokens.id_of(made["revoked"]), at=NOON)
    made["unknown"] = tokens.new_key()
    made["wrong secret"] = tokens.PREFIX + tokens.id_of(made["plain"]) + made["unknown"][14:]
    made["mistyped"] = made["plain"][:-1] + "-"
    return made


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    time = Clock()
    monkeypatch.setattr(clock, "now", time)
    return time


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return a list to which each count of the metrics is added, without its seconds."""
    counted: list[tuple[Any, ...]] = []
    for name in [name for name in vars(metrics) if name.startswith("count_")]:

        def count(*labels: object, name: str = name, **_: object) -> None:
            counted.append((name, *labels))

        monkeypatch.setattr(metrics, name, count)
    return counted


@contextmanager
def ways(template: Path, folder: Path, proxies: int) -> Iterator[tuple[dict[str, str], list[Way]]]:
    """Yield keys, and two servers that know them, the second with the fast path."""
    first = folder / "0.sqlite"
    shutil.copyfile(template, first)
    with _built(first, proxies) as services:
        made = issue(services)
        add_link(services)
        add_link(
            services, psid=BEN, display_name=None, messenger_name="<Đana>\n\u2028", reference=None
        )
        add_link(services, page_id=OTHER_PAGE, cause="imported")
        add_link(services, psid="ended", state="ended", cause="api")
        add_link(services, psid="tombstone", state="ended", issuer=None, subject=None)
        add_link(services, psid="x!y")
        add_link(services, psid="ab" * 32)
    shutil.copyfile(first, folder / "1.sqlite")
    with _built(first, proxies) as slow, _built(folder / "1.sqlite", proxies) as fast:
        origin = f"http://{HOST}" if proxies else slow.settings.public_url
        asked: list[str] = []
        gateways = (
            gateway_of(create_app(slow), slow, is_fast=False),
            gateway_of(_noting(create_app(fast), asked), fast),
        )
        clients = [GatewayClient(gateway, origin) for gateway in gateways]
        yield made, [Way(slow, clients[0]), Way(fast, clients[1], asked)]


@contextmanager
def _built(path: Path, proxies: int) -> Iterator[Services]:
    known = {"PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXIES": str(proxies)} if proxies else {}
    url = database_url(f"sqlite:///{path}")
    services = build(settings_for(url, LOG_LEVEL="info", **known), limit_seconds=60)
    yield services
    services.close()


def _noting(app: Application, asked: list[str]) -> Application:
    def note(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        asked.append(environ["PATH_INFO"])
        return app(environ, start_response)

    return note


def often(usual: Any, *odd: Any) -> st.SearchStrategy[Any]:
    """Return *usual* in most cases: of a request with several oddities little can be learnt."""
    return st.sampled_from([usual] * (MOSTLY * len(odd)) + [*odd])


PATHS: Final = (
    f"/api/v1/links/{PAGE}/{BEN}",
    f"/api/v1/links/{OTHER_PAGE}/{ANA}",
    f"/api/v1/links/{OTHER_PAGE}/{BEN}",
    f"/api/v1/links/{PAGE}/nobody",
    f"/api/v1/links/{PAGE}/ended",
    f"/api/v1/links/{PAGE}/tombstone",
    f"/api/v1/links/{PAGE}/x!y",
    f"/api/v1/links/{PAGE}/{'ab' * 32}",
    f"/api/v1/links/{PAGE}/{'ab' * 32}a",
    f"/api/v1/links/{'1' * 65}/{ANA}",
    f"/api/v1/links/999/{ANA}",
    f"/api/v1/links/{PAGE}",
    f"/api/v1/links/{PAGE}/",
    f"/api/v1/links/{PAGE}/{ANA}/",
    f"/api/v1/links/{PAGE}/{ANA}/x",
    f"/api/v1//links/{PAGE}/{ANA}",
    f"/api/v1/links/{PAGE}//{ANA}",
    f"//api/v1/links/{PAGE}/{ANA}",
    f"/api/v1/links/./{ANA}",
    f"/api/v1/links/{PAGE}/..",
    f"/api/v1/links/{PAGE}/a.b",
    f"/api/v1/links/{PAGE}/a~b",
    f"/API/v1/links/{PAGE}/{ANA}",
    f"/api/v1/links/{PAGE}/%31{ANA[1:]}",
    f"/api/v1/links/{PAGE}/x%21y",
    f"/api/v1/links/{PAGE}/%C3%A9",
    f"/api/v1/links/{PAGE}/%FF",
    f"/api/v1/links/{PAGE}/a%20b",
    f"/api/v1/links/{PAGE}/a%2Fb",
    f"/api/v1/links/{PAGE}/a%00",
    f"/api/v1/links/{PAGE};x/{ANA}",
    f"/api/v1/links/lookup/{ANA}",
    f"/api/v1/links/changes/{ANA}",
    "/api/v1/links/lookup/",
    "/api/v1/links/changes",
    "/api/v1/links",
    "/api/v1/links/",
    "/api/v1/other",
    "/",
)
HEADERS: Final = (
    [("Cookie", "a=b; c=d")],
    [("Cookie", "a;" * 300)],
    [("If-None-Match", "*")],
    [("If-Modified-Since", "Fri, 27 Nov 2099 09:00:00 GMT")],
    [("Range", "bytes=0-1")],
    [("Accept", "text/html")],
    [("Accept-Encoding", "gzip")],
    [("User-Agent", AGENT)],
    [(SIGNATURE, "sha256=" + "0" * 64)],
    [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
    [("X-HTTP-Method-Override", "DELETE")],
    [("X-Original-URL", "/")],
    [("Content-Type", "text/plain")],
    [("Content-Type", f"{JSON}; charset=utf-8")],
    [("Content-Type", JSON), ("Content-Type", JSON)],
    [("Expect", "100-continue")],
    [("Expect", "more")],
    [("X_Under", "1")],
    [("X-Twice", "1"), ("X-Twice", "2")],
    [("Host", "evil.example")],
    [("Transfer-Encoding", "chunked")],
    [("Content-Length", "1")],
    [("X-Forwarded-For", "198.51.100.9, 203.0.113.5")],
    [("X-Forwarded-For", '"[2001:DB8::1]:77"')],
    [("X-Forwarded-Proto", "http")],
    [("X-Forwarded-Proto", "https")],
    [("X-Forwarded-Proto", "http, https")],
    [("Forwarded", "for=192.0.2.1;proto=https")],
)
BODIES: Final = (
    b"",
    b"{}",
    b"[]",
    b"not JSON",
    b'{"pairs": []}',
    b'{"pairs": null}',
    b'{"pairs": [{"page_id": 1, "psid": "2"}]}',
    b'{"pairs": [{"page_id": "1"}]}',
    b'{"pairs": [{"page_id": "1", "psid": "2", "more": 3}]}',
    b'{"pairs": [{"page_id": "1", "psid": "\\u00e9"}]}',
    b'{"pairs": [{"page_id": "1", "psid": "a b"}]}',
    b'{"pairs": [{"page_id": "1", "psid": ""}]}',
    b'{"pairs": [{"page_id": "1", "psid": "\xff"}]}',
    b'{"pairs": [{"page_id": "1", "psid": "2"}], "pairs": []}',
    b'{"pairs": [{"page_id": "1", "psid": "2"}]} ',
    b'{"pairs": [{"page_id": "1", "psid": "2"}]}x',
    b'{"pairs": ' + b"[" * 5000,
    b" " * 70_000,
    json.dumps({"pairs": [{"page_id": PAGE, "psid": str(n)} for n in range(200)]}).encode(),
    json.dumps({"pairs": [{"page_id": PAGE, "psid": str(n)} for n in range(201)]}).encode(),
)
PATHS_OF_ONE: Final = st.one_of(st.just(PATH), st.sampled_from(PATHS[:8]), often(PATH, *PATHS))
PAIRS: Final = st.lists(
    st.builds(
        lambda page_id, psid: {"page_id": page_id, "psid": psid},
        st.sampled_from([PAGE, OTHER_PAGE, "999"]),
        st.sampled_from([ANA, BEN, "ended", "tombstone", "x!y", "nobody", "ab" * 32]),
    ),
    min_size=1,
    max_size=6,
)


def authorizations(made: dict[str, str]) -> st.SearchStrategy[Fields]:
    """Return the ways of giving a key, most of them right."""
    kinds = st.one_of(st.sampled_from(["plain", "of a page"]), often("plain", *made))
    odd = ("bearer {}", "Bearer  {}", "Bearer {} ", "Bearer\t{}", "Basic {}", "{}", "", "Bearer")
    once = st.builds(
        lambda form, kind: [("Authorization", form.format(made[kind]))],
        often("Bearer {}", *odd),
        kinds,
    )
    return st.builds(lambda fields, times: fields * times, once, often(1, 0, 2))


def requests(made: dict[str, str], proxies: int) -> st.SearchStrategy[Request]:
    """Return requests of all sorts, most of them odd in one respect at most."""
    exposed = f"key={made['plain']}"
    queries = often("", "?", "?a=1", "?" + "&" * 70, "?hub.mode=subscribe", f"?{exposed}")
    bodies = st.one_of(
        PAIRS.map(lambda pairs: json.dumps({"pairs": pairs}).encode()),
        often(b'{"pairs":[{"page_id":"%s","psid":"%s"}]}' % (PAGE.encode(), ANA.encode()), *BODIES),
    )

    @st.composite
    def build_request(draw: st.DrawFn) -> Request:
        is_many = draw(st.sampled_from([False, False, True]))
        method = draw(often("POST" if is_many else "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"))
        path = draw(often(MANY, *PATHS) if is_many else PATHS_OF_ONE)
        body = draw(bodies if is_many else often(b"", b"{}"))
        fields: Fields = [("Host", HOST if proxies else "127.0.0.1:8000")]
        if body or draw(st.booleans()):
            fields += [("Content-Length", str(len(body)))]
        if is_many:
            fields += draw(often([("Content-Type", JSON)], []))
        if proxies:
            fields += [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.44")]
        fields += draw(authorizations(made)) + draw(often([], *HEADERS))
        after = draw(often(0, 1, 7, 61))
        return Request(method, path + draw(queries), fields, body, after)

    return build_request()


def told(way: Way, request: Request, counted: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Send *request* one way; return the answer, the lines of the log, and what was counted."""
    counted.clear()
    structlog.contextvars.clear_contextvars()
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = RUNNER.submit(_ask, way, request).result()
    random = {"request_id", "reference"}
    return {
        "status": answer.status,
        "headers": answer.headers,
        "body": _without_reference(answer),
        "lines": [{k: v for k, v in line.items() if k not in random} for line in lines],
        "named": [sorted(random & line.keys()) for line in lines],
        "counted": list(counted),
    }


def _ask(way: Way, request: Request) -> Answer:
    asking = way.client.asks_meanwhile(
        request.method, request.address, request.body, request.fields
    )
    return LOOP.run_until_complete(asking)


def _without_reference(answer: Answer) -> bytes:
    """Return the body, byte by byte, but for the reference, which is random."""
    return REFERENCE.sub(b'"reference":"-"', answer.body)


# One loop for all, in a thread that has no other.
RUNNER: Final = ThreadPoolExecutor(1)
LOOP: Final = asyncio.new_event_loop()


@pytest.mark.parametrize("proxies", [0, 1], ids=["by http", "by https and a proxy"])
def test_both_ways_tell_client_log_and_metrics_the_same(
    sqlite_template: Path, tmp_path: Path, time: Clock, counted: list[tuple[Any, ...]], proxies: int
) -> None:
    """R72 to R79, R92, R93, R94: and they leave the same behind."""
    with ways(sqlite_template, tmp_path, proxies) as (made, (slow, fast)):
        quick = list[int]()

        @settings(
            max_examples=EXAMPLES // 2,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(request=requests(made, proxies))
        def ask_both(request: Request) -> None:
            time.at += timedelta(seconds=request.after)
            expected = told(slow, request, counted)
            fast.requests_of_flask.clear()
            assert expected == told(fast, request, counted)
            if not fast.requests_of_flask and expected["status"] in {200, 404}:
                quick.append(expected["status"])

        ask_both()

        assert slow.state() == fast.state()
        # Else two servers without a fast path are compared.
        assert {200, 404} == set(quick)
        assert len(quick) >= EXAMPLES // 10

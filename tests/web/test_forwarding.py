"""What the proxies tell of client and scheme: how it is read, and that nobody else is heard."""

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import pytest
from flask import Response
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from app import create_app
from app.accounts.rate_limit_keys import network, one_address
from app.infra.network.client_addresses import read_address
from app.infra.settings.settings import FORWARDED, X_FORWARDED, Settings
from app.services.container import Services
from app.services.settings import settings_from_env
from app.web import rate_limits
from app.web.forwarding import Client, TrustedProxies, client_of, scheme_told
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT

PEER: Final = "10.0.0.1"
MADE_UP: Final = "203.0.113.7"


@cache
def _settings(proxies: int, header: str = X_FORWARDED) -> Settings:
    read = settings_from_env(ENVIRONMENT)
    return replace(read, trusted_proxies=proxies, forwarded_header=header)


def _client(headers: Mapping[str, str], proxies: int, header: str = X_FORWARDED) -> Client:
    return client_of(PEER, headers, _settings(proxies, header))


ports = st.integers(0, 65535).map(lambda port: f":{port}")
spaces = st.text(" \t", max_size=2)
v4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
# Of those that are in use (2000::/3): no IPv4 is hidden in them.
v6 = st.integers(0, 2**125 - 1).map(lambda low: ipaddress.IPv6Address((1 << 125) + low))


@st.composite
def spellings_of_v4(draw: st.DrawFn, address: ipaddress.IPv4Address) -> str:
    mapped = f"::ffff:{address}"
    as_hex = str(ipaddress.IPv6Address(mapped))
    port = draw(ports)
    bare = [f"{address}", f"{address}{port}", f"{address}:", f"{address}:_hidden", mapped, as_hex]
    bare += [f"[{mapped}]", f"[{as_hex}]{port}", f"{mapped}%eth0", f"64:ff9b::{address}"]
    return draw(st.sampled_from(bare))


@st.composite
def spellings_of_v6(draw: st.DrawFn, address: ipaddress.IPv6Address) -> str:
    port = draw(ports)
    forms = [f"{address}", address.exploded, f"{address}".upper()]
    one = draw(st.sampled_from(forms))
    around = [one, f"[{one}]", f"[{one}]{port}", f"{one}%eth0", f"[{one}%25eth0]{port}"]
    return draw(st.sampled_from([*around, f"{address.exploded}{port if len(port) > 1 else ''}"]))


@st.composite
def told(draw: st.DrawFn, *, quoted: bool = False) -> tuple[str, str]:
    """Return an address and one of its spellings, as a proxy may write it."""
    four = draw(st.booleans())
    address = draw(v4) if four else draw(v6)
    text = draw(spellings_of_v4(address) if four else spellings_of_v6(address))  # type: ignore[arg-type]
    if quoted or draw(st.booleans()):
        text = f'"{text}"'
    return str(address), draw(spaces) + text + draw(spaces)


# Whatever a client may send: unbalanced quotes, empty elements, elements of its own.
junk = st.text(st.sampled_from('",; \\=[]:.a1') | st.characters(codec="latin-1"), max_size=20)
of_strangers = st.none() | junk | st.just(MADE_UP) | st.just(f'for={MADE_UP};x="')


def _appended(lie: str | None, *elements: str) -> str:
    return ",".join(([] if lie is None else [lie]) + list(elements))


@given(told(), told(), of_strangers)
def test_a_client_has_one_address_however_the_proxies_spell_it(
    client: tuple[str, str], proxy: tuple[str, str], lie: str | None
) -> None:
    """R86, R61: and whatever the client has sent before."""
    once = {"X-Forwarded-For": _appended(lie, client[1])}
    twice = {"X-Forwarded-For": _appended(lie, client[1], proxy[1])}

    assert Client(client[0], None) == _client(once, 1) == _client(twice, 2)


@given(told(quoted=True), told(quoted=True), of_strangers)
def test_forwarded_tells_the_same(
    client: tuple[str, str], proxy: tuple[str, str], lie: str | None
) -> None:
    """RFC 7239, 4: names in any case, several parameters, values in quotes."""
    near = f'host="a,for={MADE_UP};for=b";For={client[1].strip()};PROTO=https;by="_x"'
    far = f'for={proxy[1].strip()};proto="HTTP"'
    once, twice = {"Forwarded": _appended(lie, near)}, {"Forwarded": _appended(lie, near, far)}

    assert Client(client[0], None) == _client(once, 1, FORWARDED) == _client(twice, 2, FORWARDED)
    assert "https" == scheme_told(once, _settings(1, FORWARDED))
    assert "https" == scheme_told(twice, _settings(2, FORWARDED))


@given(told())
def test_the_spellings_of_an_address_count_as_one(client: tuple[str, str]) -> None:
    """R61: the address of the peer is read by the same function."""
    address, spelt = client

    assert str(read_address(spelt)) == address == client_of(spelt, {}, _settings(0)).address
    assert one_address(address) == one_address(spelt)
    assert network(address) == network(spelt)


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "unix:", "shop.example", "192.0.2.077", "192.0.2", "[::1"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


UNKNOWN = [
    pytest.param(1, {}, "is missing", PEER, id="missing"),
    pytest.param(1, {"X-Forwarded-For": " "}, "is missing", PEER, id="empty"),
    pytest.param(1, {"X-Forwarded-For": "unix:"}, "names no", PEER, id="a socket"),
    pytest.param(1, {"X-Forwarded-For": "unknown"}, "names no", PEER, id="unknown"),
    pytest.param(1, {"X-Forwarded-For": f"{MADE_UP}, _x"}, "names no", PEER, id="a hidden name"),
    pytest.param(1, {"X-Forwarded-For": f"{MADE_UP}, "}, "names no", PEER, id="nothing added"),
    pytest.param(
        2, {"X-Forwarded-For": f"{MADE_UP}, unknown, 192.0.2.9"}, "names no", "192.0.2.9", id="far"
    ),
    pytest.param(
        3, {"X-Forwarded-For": "192.0.2.8, 192.0.2.9"}, "has fewer values", "192.0.2.8", id="fewer"
    ),
]


@pytest.mark.parametrize(("proxies", "headers", "fault", "nearest"), UNKNOWN)
def test_without_an_address_the_nearest_is_taken_and_none_that_a_client_made_up(
    proxies: int, headers: dict[str, str], fault: str, nearest: str
) -> None:
    """R86."""
    client = _client(headers, proxies)

    assert nearest == client.address
    assert (client.fault or "").startswith(fault)


@on_sqlite
def test_clients_without_an_address_are_told_and_counted_as_a_network(services: Services) -> None:
    """R61: one stranger must not use up the limit of one address for everybody."""
    app = create_app(replace(services, settings=_settings(1)))
    counted: list[str] = []

    @app.after_request
    def _(response: Response) -> Response:
        counted.append(rate_limits.address())
        return response

    with capture_logs() as lines:
        app.test_client().get("/", headers={"Host": "127.0.0.1:8000", "X-Forwarded-For": "unix:"})

    assert ["127.0.0.0/24"] == counted
    (said,) = [line for line in lines if "request.address_unknown" == line["event"]]
    assert "X-Forwarded-For names no address of the client" == said["reason"]
    assert "$remote_addr" in said["fix"]
    assert "warning" == said["log_level"]
    assert "unix:" not in str(said)


ATTACKS = [
    pytest.param(
        X_FORWARDED,
        {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http"},
        {"Forwarded": f"for={MADE_UP};proto=https"},
        id="the proxy overwrites X-Forwarded-*",
    ),
    pytest.param(
        FORWARDED,
        {"Forwarded": "for=192.0.2.9;proto=http"},
        {"X-Forwarded-For": MADE_UP, "X-Forwarded-Proto": "https"},
        id="the proxy overwrites Forwarded",
    ),
]


@pytest.mark.parametrize(("header", "by_proxy", "by_stranger"), ATTACKS)
@pytest.mark.parametrize("proxies", [1, 2])
def test_of_the_header_that_no_proxy_overwrites_nothing_is_believed(
    header: str, by_proxy: dict[str, str], by_stranger: dict[str, str], proxies: int
) -> None:
    """R86: neither beside the other, nor where the proxy sends none."""
    seen: list[tuple[str, str]] = []

    def app(environ: dict[str, str], _start: object) -> list[bytes]:
        seen.append((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]))
        return []

    trusting = TrustedProxies(app, _settings(proxies, header))
    for sent in ({**by_proxy, **by_stranger}, {**by_stranger}):
        environ = EnvironBuilder(headers=Headers(sent)).get_environ()
        environ["REMOTE_ADDR"] = PEER
        trusting(environ, lambda *_: None)

    assert [("192.0.2.9", "http"), (PEER, "http")] == seen

"""The public address of a tunnel that leads to our port."""

import re
from collections.abc import Iterator

import pytest

from app.setup.tunnel import NoTunnel, Tunnel, find
from tests.setup.tunnels import LocalApi, local_api

NGROK = "https://d95211d2.ngrok.app"
QUICK = "seasonal-deck-organ-sox.trycloudflare.com"


@pytest.fixture
def api() -> Iterator[LocalApi]:
    with local_api() as api:
        yield api


@pytest.mark.parametrize(
    "upstream", ["localhost:8000", "http://localhost:8000", "127.0.0.1:8000", "8000", "[::1]:8000"]
)
def test_ngrok_s_address_is_found_however_its_upstream_is_written(
    api: LocalApi, upstream: str
) -> None:
    api.is_ngrok((NGROK, upstream))

    assert Tunnel("ngrok", NGROK, upstream) == find(8000, [api.origin])


def test_of_several_tunnels_the_https_one_to_our_port_is_taken(api: LocalApi) -> None:
    api.is_ngrok(
        ("https://other.ngrok.app", "localhost:80"),
        ("http://127.0.0.1:7", "localhost:8000"),
        ("tcp://0.tcp.ngrok.io:12345", "localhost:8000"),
        (NGROK, "localhost:8000"),
    )

    assert NGROK == find(8000, [api.origin]).public_url


def test_cloudflared_s_quick_tunnel_is_found(api: LocalApi) -> None:
    api.is_cloudflared(QUICK, {"service": "http://localhost:8000"})

    assert Tunnel("cloudflared", f"https://{QUICK}", "http://localhost:8000") == find(
        8000, [api.origin]
    )


def test_a_named_tunnel_of_cloudflared_is_found_by_its_rule(api: LocalApi) -> None:
    api.is_cloudflared(
        "",
        {"hostname": "shop.example", "service": "http://localhost:80"},
        {"hostname": "link.shop.example", "service": "http://localhost:8000"},
        {"service": "http_status:404"},
    )

    assert "https://link.shop.example" == find(8000, [api.origin]).public_url


def test_an_old_cloudflared_does_not_say_where_it_leads_and_is_believed(api: LocalApi) -> None:
    """
    What answers at the address is looked at before Meta hears of it.
    """
    api.is_cloudflared(QUICK)

    assert f"https://{QUICK}" == find(8000, [api.origin]).public_url


def test_the_tunnels_of_all_apis_are_looked_through(api: LocalApi) -> None:
    api.is_cloudflared(QUICK, {"service": "http://localhost:8000"})
    with local_api() as ngrok:
        ngrok.is_ngrok(("https://other.ngrok.app", "localhost:80"))

        found = find(8000, ["http://127.0.0.1:9", ngrok.origin, api.origin])

    assert "cloudflared" == found.program


def test_without_a_tunnel_the_commands_that_start_one_are_named() -> None:
    with pytest.raises(NoTunnel) as caught:
        find(8123, ["http://127.0.0.1:9"])

    assert "no tunnel runs" in str(caught.value)
    assert "ngrok http 8123" in str(caught.value)
    assert "cloudflared tunnel --url http://localhost:8123" in str(caught.value)


def test_a_tunnel_to_another_port_is_named_with_both_fixes(api: LocalApi) -> None:
    api.is_ngrok((NGROK, "localhost:80"))

    with pytest.raises(NoTunnel) as caught:
        find(8000, [api.origin])

    assert "ngrok runs, but leads to localhost:80, not to port 8000" in str(caught.value)
    assert "--port 80, or ngrok http 8000" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://d95211d2.ngrok.app", "tcp://0.tcp.ngrok.io:12345", "https://evil/path", "x"]
)
def test_what_cannot_be_a_public_url_is_not_taken(api: LocalApi, url: str) -> None:
    api.is_ngrok((url, "localhost:8000"))

    with pytest.raises(NoTunnel, match="https only"):
        find(8000, [api.origin])


@pytest.mark.parametrize(
    "upstream", ["localhost:80\x1b]0;owned\x07", "http://[::1\x1b", "1" * 5_000, "x:99999"]
)
def test_what_a_stranger_says_at_ngrok_s_port_is_printed_and_does_nothing(
    api: LocalApi, upstream: str
) -> None:
    """On a shared machine that may be any user; control characters would reach the terminal."""
    api.is_ngrok((NGROK, upstream))

    with pytest.raises(NoTunnel, match=f"leads to {re.escape(upstream[:7])}") as caught:
        find(8000, [api.origin])

    assert not {"\x1b", "\x07"} & set(str(caught.value))


def test_a_stranger_who_sends_without_end_is_given_up(api: LocalApi) -> None:
    api.bodies = {"/api/tunnels": "x" * 10_000_000}

    with pytest.raises(NoTunnel, match="no tunnel runs"):
        find(8000, [api.origin])


@pytest.mark.parametrize("said", [[], {"tunnels": {}}, {"tunnels": [1, {"public_url": 1}]}, "x"])
def test_an_answer_of_something_else_is_no_tunnel(api: LocalApi, said: object) -> None:
    api.bodies = {"/api/tunnels": said}

    with pytest.raises(NoTunnel, match="no tunnel runs"):
        find(8000, [api.origin])

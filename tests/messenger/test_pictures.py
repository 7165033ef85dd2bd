"""Pictures are fetched from Meta's hosts at public addresses, whatever a hostile server says."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest

from app.infra.network.addresses import is_public
from app.infra.network.egress import Egress, Proxy
from app.infra.settings.parsing import SettingError
from app.infra.settings.pictures import META_PICTURE_HOSTS, picture_hosts
from app.messenger import pictures
from app.messenger.pictures import Picture, PictureFetcher, PictureRefused
from tests.certificates import self_signed
from tests.infra.network.forward_proxy import forward_proxy
from tests.messenger.loopback import Script, hang_up, peer

PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JPEG: Final = b"\xff\xd8\xff\xe0" + b"\0" * 64
WEBP: Final = b"RIFF\x40\0\0\0WEBPVP8 " + b"\0" * 64
MOST: Final = 4096
LIMIT_S: Final = 10.0
OF_META: Final = "https://scontent.xx.fbcdn.net/p.png?ext=1&hash=canary"


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> Script:
    length = b"Content-Length: %d" % len(body)
    return hang_up(b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body]))


def redirect(location: str, status: bytes = b"302 Found") -> Script:
    return answer(b"", b"Location: " + location.encode(), status=status)


def fetch(script: Script, path: str = "/p", *, total_s: float = LIMIT_S) -> Picture:
    """Return the picture that a Graph on loopback serves by *script*."""
    with peer(script) as origin:
        fetcher = PictureFetcher(META_PICTURE_HOSTS, graph_origin=origin)
        return fetcher.fetch(origin + path, most_bytes=MOST, total_s=total_s)


def reason(script: Script, path: str = "/p", *, total_s: float = LIMIT_S) -> str:
    with pytest.raises(PictureRefused) as refused:
        fetch(script, path, total_s=total_s)
    assert "127.0.0.1" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value.reason


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
def test_a_picture_has_the_type_of_its_first_bytes(content: bytes, kind: str) -> None:
    """What the server calls it counts for nothing."""
    assert Picture(content, kind) == fetch(answer(content, b"Content-Type: text/html"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\0" * 64,
        b"RIFF\x40\0\0\0WAVEfmt ",
        b"\x89PNG",
        b"\x1f\x8b" + PNG,
        b" " + PNG,
    ],
)
def test_nothing_else_is_a_picture(content: bytes) -> None:
    """No SVG or GIF, no HTML, nothing compressed, whatever its Content-Type."""
    assert "type" == reason(answer(content, b"Content-Type: image/png"))


@pytest.mark.parametrize("status", [b"301 M", b"302 F", b"303 S", b"307 T", b"308 P"])
def test_two_redirects_are_followed_and_no_third(status: bytes) -> None:
    asked = count()

    def after(redirects: int) -> Script:
        def script(connection: socket.socket) -> None:
            served = answer(PNG) if next(asked) % 9 == redirects else redirect("/again", status)
            served(connection)

        return script

    assert PNG == fetch(after(2)).content
    asked = count()
    assert "redirects" == reason(after(3))
    assert 3 == next(asked)


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("https://evil.example/p.png", "host"),
        ("https://fbcdn.net.evil.example/", "host"),
        ("https://evilfbcdn.net/", "host"),
        ("https://fbcdn.net/", "host"),
        ("https://127.0.0.1/", "host"),
        ("https://[::1]/", "host"),
        ("http://scontent.fbcdn.net/", "address"),
        ("https://scontent.fbcdn.net:8443/", "address"),
        ("https://user@scontent.fbcdn.net/", "address"),
        ("https://evil.example\\@scontent.fbcdn.net/", "address"),
        ("file:///etc/passwd", "address"),
        ("data:image/png;base64,iVBORw0KGgo=", "address"),
        ("//evil.example/p.png", "address"),
        ("http://127.0.0.1:1/", "address"),
        ("https://scontent.fbcdn.net/" + "a" * 2048, "address"),
    ],
)
def test_an_address_after_a_redirect_is_checked_like_the_first(location: str, why: str) -> None:
    assert why == reason(redirect(location))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (answer(PNG, status=b"404 Not Found"), "status"),
        (answer(PNG, status=b"206 Partial Content"), "status"),
        (answer(PNG, status=b"304 Not Modified"), "status"),
        (answer(PNG + b"\0" * MOST), "size"),
        (hang_up(b"HTTP/1.1 200 OK\r\n\r\n", PNG, b"\0" * MOST), "size"),
        (hang_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "unreachable"),
        (hang_up(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", PNG), "unreachable"),
        (hang_up(b"SSH-2.0-OpenSSH_9.6\r\n"), "unreachable"),
        (hang_up(), "unreachable"),
    ],
)
def test_an_answer_that_is_none_has_a_reason(script: Script, why: str) -> None:
    assert why == reason(script)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + PNG])
def test_a_server_that_is_slow_in_any_part_is_left(before: bytes) -> None:
    is_over = Event()

    def script(connection: socket.socket) -> None:
        with connection:
            connection.sendall(before)
            while not is_over.wait(0.02):
                connection.sendall(b"X" if before else b"")

    try:
        assert "slow" == reason(script, total_s=0.2)
    finally:
        is_over.set()


@pytest.fixture
def meta_is_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Return a function that leads every name to this machine, to a given port."""

    def lead(port: int) -> None:
        def here(*_: object, **__: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", here)

    yield lead
    monkeypatch.undo()


def test_a_name_of_meta_that_leads_inward_is_sent_nothing(
    meta_is_here: Callable[[int], None],
) -> None:
    """The address that counts is the one connected to: a second look-up could tell another."""
    with socket.create_server(("127.0.0.1", 0)) as inner:
        meta_is_here(inner.getsockname()[1])
        with pytest.raises(PictureRefused, match="inward"):
            PictureFetcher(META_PICTURE_HOSTS).fetch(OF_META, most_bytes=MOST, total_s=LIMIT_S)
        connection, _ = inner.accept()
        with connection:
            assert b"" == connection.recv(65_536)


def test_a_host_of_meta_is_asked_by_tls_with_nothing_of_ours(
    meta_is_here: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither token nor cookie nor referrer goes along; an unknown certificate ends it."""
    context, certificate = self_signed(tmp_path, "DNS:scontent.xx.fbcdn.net")
    monkeypatch.setattr(pictures, "is_public", lambda _: True)
    with forward_proxy(context) as server:
        meta_is_here(server.behind_port)
        trusting = Egress(added_certificates=certificate.read_text())
        for egress, why in ((Egress(), "unreachable"), (trusting, "type")):
            fetcher = PictureFetcher(META_PICTURE_HOSTS, egress=egress)
            with pytest.raises(PictureRefused, match=why):
                fetcher.fetch(OF_META, most_bytes=MOST, total_s=LIMIT_S)

    [head] = server.behind
    names = {line.partition(b":")[0].lower() for line in head.splitlines()[1:] if line}
    assert {b"host", b"user-agent", b"accept-encoding"} == names
    assert head.startswith(b"GET /p.png?ext=1&hash=canary HTTP/1.1\r\n")


def test_by_an_outgoing_proxy_the_hosts_alone_decide(tmp_path: Path) -> None:
    """The proxy looks the name up, so that nothing here could check the address."""
    context, certificate = self_signed(tmp_path, "DNS:scontent.xx.fbcdn.net")
    with forward_proxy(context) as proxy:
        by_proxy = Egress(
            proxy=Proxy(f"http://127.0.0.1:{proxy.port}"),
            added_certificates=certificate.read_text(),
        )
        fetcher = PictureFetcher(META_PICTURE_HOSTS, egress=by_proxy)
        for address, why in ((OF_META, "type"), ("https://evil.example/", "host")):
            with pytest.raises(PictureRefused, match=why):
                fetcher.fetch(address, most_bytes=MOST, total_s=LIMIT_S)

    assert ["scontent.xx.fbcdn.net:443"] == proxy.targets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("157.240.1.1", True),
        ("2a03:2880:f1::1", True),
        ("64:ff9b::9df0:101", True),
        ("::ffff:157.240.1.1", True),
        *((text, False) for text in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1")),
        *((text, False) for text in ("169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1")),
        *((text, False) for text in ("::1", "::", "fe80::1", "fc00::1", "ff02::1")),
        *((text, False) for text in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::")),
        *((text, False) for text in ("2001:0:a00:1::", "255.255.255.255", "198.18.0.1")),
    ],
)
def test_public_addresses_are_told_from_all_others(text: str, *, expected: bool) -> None:
    assert expected is is_public(ipaddress.ip_address(text))


def test_the_hosts_of_pictures_are_names() -> None:
    assert (".fbcdn.net", "cdn.example.com") == picture_hosts(".FBcdn.net cdn.example.com")
    for wrong in ("*.fbcdn.net", "https://x.fbcdn.net", "x.fbcdn.net:443", "localhost", ".net"):
        with pytest.raises(SettingError) as refused:
            picture_hosts(wrong)
        assert wrong not in str(refused.value)

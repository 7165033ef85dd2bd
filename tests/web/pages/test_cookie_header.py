"""The Cookie header, byte for byte: a neighbour of this host sets no cookie of ours (R19, R67).

A browser keeps names that begin with ``__Host-`` for the host itself, and sees such a name only in
these very bytes. Whatever a parser would take for them besides, another host may have set for the
whole domain.
"""

import sys
import unicodedata
from collections.abc import Iterator
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import URL

from app import create_app
from app.services.container import build
from tests.actors import log_in
from tests.installation import settings_for

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SHOP: Final = "https://link.shop.example"
# Between two cookies, and where a browser has taken it off before it looked for the prefix.
SEPARATORS: Final = {b";", b" "}


def _spellings() -> list[bytes]:
    """Return the bytes of white space, separators, controls and invisible characters.

    Parsers strip some of them.
    """
    invisible = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if char.isspace() or unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cc", "Cf"}
    ]
    return sorted(
        {char.encode("latin-1") for char in invisible if char <= "\xff"}
        | {char.encode() for char in invisible}
        | {bytes([byte]) for byte in range(0x80, 0x100)}
    )


@pytest.fixture
def shop(database: URL) -> Iterator[Flask]:
    services = build(settings_for(database, PUBLIC_URL=SHOP))
    yield create_app(services)
    services.close()


@pytest.fixture
def mallorys(shop: Flask) -> tuple[str, bytes, bytes]:
    """Return the address of Mallory's attempt, and name and value of its cookie."""
    answer = shop.test_client().get(log_in().address(), base_url=SHOP)
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name.startswith("__Host-attempt-")
    return answer.headers["Location"], name.encode(), rest.partition(";")[0].encode()


def opens(app: Flask, address: str, cookies: bytes) -> int:
    """Return the status of *address* in a browser that sends *cookies*."""
    client = app.test_client(use_cookies=False)
    # As WSGI has bytes in text (PEP 3333).
    environ = {"HTTP_COOKIE": cookies.decode("latin-1")}
    return client.get(address, base_url=SHOP, environ_overrides=environ).status_code


@pytest.mark.parametrize("before", [b"", b"a=b; ", b"a=b;", b"caf\xc3\xa9=\xff; "])
def test_the_cookie_is_found_among_others(
    shop: Flask, mallorys: tuple[str, bytes, bytes], before: bytes
) -> None:
    """Another application of the domain may set what it likes: it locks nobody out."""
    address, name, value = mallorys

    assert 200 == opens(shop, address, before + name + b"=" + value + b"; z=y")


def test_no_invisible_character_makes_a_name_ours(
    shop: Flask, mallorys: tuple[str, bytes, bytes]
) -> None:
    """R67: before the name and after it, raw and as UTF-8; Werkzeug strips some of them."""
    address, name, value = mallorys
    tossed = [
        cookie
        for odd in _spellings()
        if odd not in SEPARATORS
        for cookie in (odd + name + b"=" + value, name + odd + b"=" + value)
    ]

    taken = [cookie for cookie in tossed if opens(shop, address, b"a=b; " + cookie) != 400]

    assert [] == taken


@pytest.mark.parametrize(
    "cookies",
    [
        b'"%n"=%v',
        b"'%n'=%v",
        b"=%n=%v",
        b"%n =%v",
        b"%l=%v",
        b"%u=%v",
        b"$Version=1; $%n=%v",
        b"%n:=%v",
        b"%%5F%%5F%n=%v",
        b"a=b, %n=%v",
        b"a=%n=%v",
        b'%n="%v"',
        b"%n",
        b"%n=",
    ],
)
def test_no_other_spelling_makes_a_name_ours(
    shop: Flask, mallorys: tuple[str, bytes, bytes], cookies: bytes
) -> None:
    address, name, value = mallorys
    for mark, text in ((b"%n", name), (b"%l", name.lower()), (b"%u", name.upper())):
        cookies = cookies.replace(mark, text)

    assert 400 == opens(shop, address, cookies.replace(b"%v", value))


@pytest.mark.parametrize("theirs", [b"", b"x", b"%v"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_that_comes_twice_is_not_read(
    shop: Flask, mallorys: tuple[str, bytes, bytes], theirs: bytes, *, is_first: bool
) -> None:
    """R19, R67: a browser has one of each name with the prefix, so one is not the host's."""
    address, name, value = mallorys
    both = [name + b"=" + value, name + b"=" + theirs.replace(b"%v", value)]

    assert 400 == opens(shop, address, b"; ".join(both if is_first else both[::-1]))

"""Forged, malformed and endless answers of a directory, none of which may be accepted."""

import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.ldap import TOTAL_S, LdapAuthenticator
from tests.accounts.ldap_stub import (
    BIND,
    EXTENDED,
    JANE,
    JANE_DN,
    SEARCH,
    SEARCHER,
    Answer,
    Crash,
    StubDirectory,
    directing,
    entry,
    message,
    result,
    text,
    tlv,
)

NAME, PASSWORD = "jane@example.com", "canary gravel teapot"
# For answers that never end.
SHORT_S = 0.5
REFERRAL = text("ldap://127.0.0.1:1/dc=evil??sub")
BEGUN = message(2, entry(JANE_DN, {"entryUUID": [JANE], "mail": ["x" * 1_000_000]}))[:200]

Spoil = Callable[[StubDirectory], None]


@pytest.fixture
def there() -> Iterator[StubDirectory]:
    with directing() as there:
        yield there


def verify(there: StubDirectory, username: str = NAME, *, total_s: float = TOTAL_S) -> Identity:
    return LdapAuthenticator(there.settings(), total_s=total_s).verify(username, PASSWORD)


def has(**changed: object) -> Spoil:
    """Return a change that sets attributes of the directory."""

    def spoil(there: StubDirectory) -> None:
        for name, value in changed.items():
            setattr(there, name, value)

    return spoil


def says(asked: int, *answers: Callable[[int], bytes]) -> Spoil:
    """Let the directory answer what is *asked* so, given the number of the question."""
    return answering(asked, lambda number: (answer(number) for answer in answers))


def answering(asked: int, answer: Answer) -> Spoil:
    return lambda there: there.instead.update({asked: answer})


def finds(attributes: dict[str, list[str | bytes]], dn: str = JANE_DN) -> Spoil:
    return has(found=[entry(dn, attributes)])


def _two(there: StubDirectory) -> None:
    there.found.append(entry(f"{JANE_DN},dc=other", {"entryUUID": [JANE]}))


def _crash(_: int) -> Iterator[bytes]:
    yield BEGUN
    raise Crash


def _endless_entry(_: int) -> Iterator[bytes]:
    yield BEGUN
    while True:
        yield b"x" * 10_000


def _endless_entries(number: int) -> Iterator[bytes]:
    while True:
        yield message(number, entry(JANE_DN, {"entryUUID": [JANE]})) * 100


REFUSED: dict[str, Spoil] = {
    "wrong password": has(person=49),
    "locked": has(person=19),
    "disabled": has(person=53),
    "deleted meanwhile": has(person=32),
    "nobody": has(found=[], person=49),
    "two of one name": _two,
    "more than two": has(ends=result(0x65, 4)),
    "an entry without a name": finds({"entryUUID": [JANE]}, dn=""),
    "elsewhere": has(found=[tlv(0x73, REFERRAL)]),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_what_is_no_yes_is_a_no(there: StubDirectory, spoil: Spoil) -> None:
    """R59, R60: the same no, by as many questions, whatever the directory has said."""
    spoil(there)

    with pytest.raises(CredentialsRefused) as refused:
        verify(there)

    assert () == refused.value.args
    assert refused.value.__context__ is None
    assert [BIND, SEARCH, BIND] == there.asked
    assert b"" not in {part for bind in there.binds for part in bind}


AWAY: dict[str, Spoil] = {
    "the searcher is refused": has(searcher=49),
    "busy": has(person=51),
    "unavailable": has(person=52),
    "the bind is referred": says(BIND, lambda n: message(n, result(0x61, 10, tlv(0xA3, REFERRAL)))),
    "the search is referred": has(ends=result(0x65, 10, tlv(0xA3, REFERRAL))),
    "the search took too long": has(ends=result(0x65, 3)),
    "no subject": finds({"mail": ["jane@example.com"]}),
    "two subjects": finds({"entryUUID": [JANE, JANE.replace("0", "1")]}),
    "a subject that is none": finds({"entryUUID": ["canary-subject"]}),
    "a subject with NUL": finds({"entryUUID": [f"{JANE}\0"]}),
    "an empty subject": finds({"entryUUID": [""]}),
    "bytes for a subject": finds({"entryUUID": [b"\xff" * 16]}),
    "HTTP": says(BIND, lambda _: b"HTTP/1.1 400 canary\r\n\r\n"),
    "noise": says(SEARCH, lambda _: bytes(range(256)) * 4),
    "zeros": says(SEARCH, lambda _: b"\0" * 100),
    "nested": says(SEARCH, lambda n: message(n, b"\x30\x80" * 5_000)),
    "an answer to another question": says(BIND, lambda n: message(n + 7, result(0x61, 0))),
    "an entry for a bind": says(BIND, lambda n: message(n, entry(JANE_DN, {"mail": ["x"]}))),
    "a goodbye": says(
        SEARCH, lambda _: message(0, result(0x78, 52, tlv(0x8A, b"1.3.6.1.4.1.1466.20036")))
    ),
    "gone in the middle of a word": answering(SEARCH, _crash),
    "an entry without end": answering(SEARCH, _endless_entry),
    "entries without end": answering(SEARCH, _endless_entries),
    "a length without end": says(SEARCH, lambda _: b"\x30\xff"),
    "dripping": has(drips=True),
}


@pytest.mark.parametrize("spoil", AWAY.values(), ids=AWAY)
def test_what_is_no_answer_proves_nobody(
    there: StubDirectory, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    """R110: the person may be right, and nothing of what was said or asked is logged."""
    spoil(there)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(AuthenticatorUnavailable) as away:
        verify(there, total_s=SHORT_S)

    assert away.value.reason
    assert away.value.__cause__ is None
    for secret in ("canary", NAME, JANE, "evil"):
        assert secret not in caplog.text + str(away.value)


def test_a_referral_is_not_followed() -> None:
    """The password goes where the settings say."""
    with directing() as elsewhere, directing() as there:
        address = text(f"ldap://127.0.0.1:{elsewhere.port}/{JANE_DN}")
        there.found.append(tlv(0x73, address))
        subject = verify(there).subject
        says(BIND, lambda n: message(n, result(0x61, 10, tlv(0xA3, address))))(there)

        with pytest.raises(AuthenticatorUnavailable):
            verify(there)

    assert JANE == subject
    assert [] == elsewhere.asked


def by_tls(there: StubDirectory, **changed: str) -> LdapAuthenticator:
    # Without a CA file, a loopback address would be asked without TLS.
    settings = replace(there.settings(ca_file=DEFAULT_CA_BUNDLE_PATH), **changed)
    return LdapAuthenticator(settings, total_s=SHORT_S)


@pytest.mark.parametrize("code", [1, 2, 52, 53])
def test_without_tls_no_password_is_sent(there: StubDirectory, code: int) -> None:
    """A directory that refuses StartTLS, or an attacker who forges that, gets no password."""
    there.start_tls = code

    with pytest.raises(AuthenticatorUnavailable):
        by_tls(there).verify(NAME, PASSWORD)

    assert [EXTENDED] == there.asked


def test_plaintext_after_the_start_of_tls_is_not_read(there: StubDirectory) -> None:
    """Otherwise an attacker on the path could inject an acceptance."""
    yes = result(0x61, 0)
    says(EXTENDED, lambda n: message(n, result(0x78, 0)) + message(n + 1, yes) * 3)(there)

    with pytest.raises(AuthenticatorUnavailable):
        by_tls(there).verify(NAME, PASSWORD)

    assert [EXTENDED] == there.asked


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_a_start_of_tls_that_does_not_end_is_given_up(there: StubDirectory, how: str) -> None:
    """Also before TLS: a thread must not wait for ever."""
    there.drips = how == "dripping"
    if how == "silent":
        answering(EXTENDED, lambda _: iter([b""] if there.over.wait() else []))(there)

    with pytest.raises(AuthenticatorUnavailable):
        by_tls(there).verify(NAME, PASSWORD)

    assert [EXTENDED] == there.asked


def test_a_handshake_that_does_not_end_is_given_up(there: StubDirectory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ldaps://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(AuthenticatorUnavailable):
            by_tls(there, url=url).verify(NAME, PASSWORD)


@pytest.mark.parametrize(
    "username",
    [
        "*",
        "*)(uid=*",
        "admin)(|(uid=*",
        "\\2a",
        "\\28",
        "(",
        ")",
        "&",
        "|",
        "=*",
        "\\",
        "jane)(objectClass=*))(|(uid=*",
        "jane*",
        "é)",
        "\\00",
        "uid=jane,dc=example",
        "/",
        '"',
        "#",
        "jane;x",
        "jane<x>",
        "+",
        ",",
        "!(uid=x)",
        "~=x",
        "a\\",
        "\u0661*",
        "*" * 100,
    ],
)
def test_a_filter_is_never_changed_by_a_name(there: StubDirectory, username: str) -> None:
    """RFC 4515, section 3: the filter compares one attribute with exactly that value."""
    has(found=[], person=49)(there)

    with pytest.raises(CredentialsRefused):
        verify(there, username)

    value = username.encode()
    as_it_is_short = b"\xa3" + bytes([7 + len(value)]) + text("uid") + text(value)
    assert as_it_is_short in there.searches[0]


def test_each_sign_in_has_a_connection_of_its_own(there: StubDirectory) -> None:
    """A bind changes the identity of a connection, which the next search must not inherit."""
    authenticator = LdapAuthenticator(there.settings())

    for _ in range(2):
        authenticator.verify(NAME, PASSWORD)

    assert [SEARCHER, JANE_DN.encode()] * 2 == [dn for dn, _ in there.binds]

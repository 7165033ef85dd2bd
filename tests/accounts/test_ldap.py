import logging
import socket
from collections.abc import Iterator

import pytest

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    CredentialsRefused,
)
from app.accounts.counted_names import counted_form
from app.accounts.identity import Identity
from app.accounts.ldap import LdapAuthenticator
from tests.accounts.openldap import BASE, GUID, JANE, Directory, directory

NAME, PASSWORD = "jane@example.com", "gravel teapot under nineteen"


@pytest.fixture(scope="module")
def there() -> Iterator[Directory]:
    with directory() as there:
        yield there


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Yield a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def identity(there: Directory, **changed: str | None) -> Identity:
    return LdapAuthenticator(there.settings(**changed)).verify(NAME, PASSWORD)


def test_the_subject_is_what_no_renaming_changes(there: Directory) -> None:
    """R58: names and addresses are given to others one day."""
    assert Identity("ldap:staff", JANE, "j•••@example.com") == identity(there)
    assert GUID == identity(there, subject="objectGUID").subject


def test_the_attribute_named_is_shown_masked(there: Directory) -> None:
    assert "j•••@example.org" == identity(there, name_attribute="mail").display_name


def test_an_attribute_nobody_has_leaves_what_was_typed(there: Directory) -> None:
    assert "j•••@example.com" == identity(there, name_attribute="title").display_name


@pytest.mark.parametrize("way", ["LDAPS", "StartTLS"])
def test_passwords_go_encrypted(there: Directory, way: str) -> None:
    url = there.tls_url if way == "LDAPS" else there.plain_url

    assert JANE == identity(there, url=url, ca_file=there.ca_file).subject


def test_a_certificate_nobody_vouches_for_ends_it(there: Directory) -> None:
    """Before a name or a password was sent."""
    with pytest.raises(AuthenticatorMisconfigured, match="certificate: of an unknown CA"):
        identity(there, url=there.tls_url)


def test_a_certificate_of_another_host_ends_it(there: Directory) -> None:
    """It names 127.0.0.1, and was asked for localhost."""
    elsewhere = there.tls_url.replace("127.0.0.1", "localhost")

    with pytest.raises(AuthenticatorMisconfigured, match="certificate: for another host"):
        identity(there, url=elsewhere, ca_file=there.ca_file)


@pytest.mark.parametrize(
    "changed",
    [{"bind_password": "wrong"}, {"base": "ou=gone,dc=example,dc=com"}],
    ids=["its password", "the base"],
)
def test_settings_that_the_directory_refuses_are_not_told_as_an_outage(
    there: Directory, changed: dict[str, str]
) -> None:
    with pytest.raises(AuthenticatorMisconfigured) as refused:
        identity(there, **changed)

    assert refused.value.code
    assert f"LDAP_<NAME>_{next(iter(changed)).upper()}" in refused.value.fix


@pytest.mark.parametrize(
    "username",
    ["*", "jane*", "jane@example.com)(uid=*", "*)(objectClass=*", "\\2a", "j\\61ne@example.com"],
)
def test_a_name_is_never_a_filter(there: Directory, username: str) -> None:
    """Escaped, it is the name of nobody (RFC 4515)."""
    with pytest.raises(CredentialsRefused):
        LdapAuthenticator(there.settings()).verify(username, PASSWORD)


@pytest.mark.parametrize(
    "username",
    [
        "ja\u00adne@example.com",
        "jane\u200b@example.com",
        "\ufeffjane@example.com",
        "ja\tne",
        "a  b",
        " jane@example.com",
        "jane@example.com ",
        "jane@example.com\u00a0",
        "jane\u2028",
    ],
)
def test_a_name_with_other_spellings_is_refused(there: Directory, username: str) -> None:
    """RFC 4518, 2.2 and 2.6.1: directories skip what is not seen, and run spaces together."""
    with pytest.raises(CredentialsRefused):
        LdapAuthenticator(there.settings()).verify(username, PASSWORD)


@pytest.mark.parametrize(
    "username",
    [
        "JANE@EXAMPLE.COM",
        "jane@Example.com",
        "\uff4a\uff41ne@example.com",
        "jane\uff20example.com",
        "jane@example\u3002com",
        "j\u00e1ne@example.com",
        "ane@example.com",
        "jane@example.co\u2133",
        "ja\u0301ne@example.com",
        "jan\u212e@example.com",
        "\U0001d423ane@example.com",
        "\u24d9ane@example.com",
        "jane@example.c\u00bam",
        "jane@examp\u2113e.com",
        "jane@example.com\u034f",
        "\u02b2ane@example.com",
    ],
)
def test_what_a_directory_takes_for_one_name_is_guessed_at_under_one(
    there: Directory, username: str
) -> None:
    """R61: else each spelling of it would have five tries of its own."""
    try:
        LdapAuthenticator(there.settings()).verify(username, PASSWORD)
    except CredentialsRefused:
        return

    assert counted_form(NAME) == counted_form(username)


def test_a_dotted_i_is_an_i(there: Directory) -> None:
    """R61: to OpenLDAP it is, and to no other comparison of ours."""
    username = "v\u0130c@example.com"

    LdapAuthenticator(there.settings()).verify(username, PASSWORD)

    assert counted_form("vic@example.com") == counted_form(username)


def test_a_filter_that_finds_two_proves_nobody(there: Directory) -> None:
    several = there.settings(filter="(|(uid={username})(uid=gone))")

    with pytest.raises(CredentialsRefused):
        LdapAuthenticator(several).verify(NAME, PASSWORD)


def test_an_empty_password_is_refused_unasked(listener: socket.socket) -> None:
    """RFC 4513, 5.1.2: a bind without a password succeeds, as nobody."""
    url = f"ldap://127.0.0.1:{listener.getsockname()[1]}"
    settings = Directory(url, url, "").settings()
    listener.setblocking(False)

    with pytest.raises(CredentialsRefused):
        LdapAuthenticator(settings).verify(NAME, "")

    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    "changed",
    [
        {"bind_password": "canary-wrong"},
        {"base": "dc=elsewhere,dc=org"},
        {"base": f"ou=nowhere,{BASE}"},
        {"filter": "(uid={username}))("},
        {"url": "ldap://127.0.0.1:1"},
        {"bind_dn": "", "bind_password": ""},
    ],
    ids=["searcher", "suffix", "base", "filter", "nobody there", "anonymous"],
)
def test_what_is_wrong_with_settings_is_no_refusal(
    there: Directory, changed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The password may be right: the person is asked to come back, and the log names no secret."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(AuthenticatorUnavailable) as away:
        identity(there, **changed)

    assert away.value.__cause__ is None
    for secret in ("canary", PASSWORD, NAME):
        assert secret not in caplog.text + str(away.value)


def test_a_directory_that_says_nothing_is_given_up(listener: socket.socket) -> None:
    """A thread must not wait for it for ever."""
    url = f"ldap://127.0.0.1:{listener.getsockname()[1]}"
    authenticator = LdapAuthenticator(Directory(url, url, "").settings(), total_s=0.2)

    with pytest.raises(AuthenticatorUnavailable):
        authenticator.verify(NAME, PASSWORD)

"""Active Directory, as Samba is one: its ways in, its people, and what keeps it from answering."""

import logging
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.accounts import ldap_check
from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    CredentialsRefused,
)
from app.accounts.counted_names import counted_form
from app.accounts.identity import Identity, meant_name
from app.accounts.ldap import TOTAL_S, LdapAuthenticator, bind, connected, tls_for
from app.accounts.ldap_settings import LdapSettings
from app.infra.network.egress import DIRECT
from tests.accounts.active_directory import (
    BASE,
    DISABLED,
    EXPIRED,
    JANE,
    LOCKED,
    MUST_CHANGE,
    PASSWORD,
    PEOPLE,
    SEARCHER,
    SEARCHER_PASSWORD,
    SIGNS,
    UMLAUT,
    Domain,
    domain,
)

JANE_SHOWN = "j•••"


@pytest.fixture(scope="module")
def expired_domain() -> Iterator[Domain]:
    with domain(is_expired=True) as there:
        yield there


def signs_in(settings: LdapSettings, name: str = JANE, password: str = PASSWORD) -> Identity:
    return LdapAuthenticator(settings).verify(name, password)


def test_the_subject_is_the_guid_as_samba_prints_it(active_directory: Domain) -> None:
    """R58: no renaming changes it, and its bytes are in Microsoft's order."""
    identity = signs_in(active_directory.settings(name_attribute="mail"))

    assert Identity("ldap:staff", active_directory.guid_of(JANE), "j•••@example.org") == identity


@pytest.mark.parametrize(
    "bind_dn", [f"CN=Threadlink,{PEOPLE}", f"{SEARCHER}@example.com", f"EXAMPLE\\{SEARCHER}"]
)
@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_each_way_to_write_the_searcher_and_to_encrypt_works(
    active_directory: Domain, scheme: str, bind_dn: str
) -> None:
    """LDAPS and StartTLS; as a DN, as a userPrincipalName, and as domain and account."""
    settings = active_directory.settings(
        url=f"{scheme}://{active_directory.named}", bind_dn=bind_dn
    )

    assert JANE_SHOWN == signs_in(settings).display_name
    assert ["takes the bind and shows people, by TLS"] == [
        told.words for told in ldap_check.check(settings)
    ]


def test_references_to_other_parts_of_the_forest_are_no_people(active_directory: Domain) -> None:
    """A search at the root has them in its answer, and they are not followed."""
    settings = active_directory.settings()
    with connected(settings, tls_for(settings, DIRECT), total_s=TOTAL_S) as connection:
        assert bind(connection, settings.bind_dn, SEARCHER_PASSWORD)
        connection.search(BASE, f"(sAMAccountName={JANE})", attributes=["cn"])
        kinds = [item["type"] for item in connection.response]

    assert "searchResRef" in kinds
    assert signs_in(settings) == signs_in(replace(settings, base=PEOPLE))


@pytest.mark.parametrize("name", [UMLAUT, SIGNS])
def test_names_beyond_ascii_and_with_signs_find_their_entry(
    active_directory: Domain, name: str
) -> None:
    """The entry's own name, which the bind sends back, has every character of the DN syntax."""
    by_mail = "(&(objectCategory=person)(userPrincipalName={username}))"
    upn = f"{name}@example.com".replace(" ", "-")

    identity = signs_in(active_directory.settings(), name)

    assert identity.subject == signs_in(active_directory.settings(filter=by_mail), upn).subject
    assert identity.subject != signs_in(active_directory.settings()).subject


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jane ", JANE),
        ("\ufeffjane\u200b", JANE),
        ("\uff4a\uff41\uff4e\uff45", JANE),
        (unicodedata.normalize("NFD", UMLAUT), UMLAUT),
        ("JÖRG.müssig", UMLAUT),
    ],
)
def test_what_keyboards_make_of_a_name_is_the_name(
    active_directory: Domain, typed: str, meant: str
) -> None:
    """R61: it finds the same entry, and is guessed at under the same name."""
    try:
        identity = signs_in(active_directory.settings(), meant_name(typed))
    except CredentialsRefused:
        identity = None

    if typed == "JÖRG.müssig":
        # Samba's comparison does not write "ß" as "ss".
        assert identity in {None, signs_in(active_directory.settings(), meant)}
    else:
        assert identity is not None
        assert signs_in(active_directory.settings(), meant).subject == identity.subject
    assert counted_form(meant) == counted_form(meant_name(typed))


@pytest.mark.parametrize(
    ("name", "password", "refusal", "code"),
    [
        (JANE, "wrong", "wrong_password", 0x52E),
        ("nobody", PASSWORD, "no_such_account", 0),
        (DISABLED, PASSWORD, "disabled", 0x533),
        (EXPIRED, PASSWORD, "expired", 0x701),
        (MUST_CHANGE, PASSWORD, "must_change", 0x773),
    ],
)
def test_the_operator_can_tell_why_an_account_is_refused(  # noqa: PLR0913, PLR0917 - one row
    active_directory: Domain,
    caplog: pytest.LogCaptureFixture,
    name: str,
    password: str,
    refusal: str,
    code: int,
) -> None:
    """By Active Directory's own number; the page tells none apart."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(CredentialsRefused) as refused:
        signs_in(active_directory.settings(), name, password)

    assert (refusal, code) == (refused.value.refusal, refused.value.code)
    for unsaid in (password, "AcceptSecurityContext", SEARCHER_PASSWORD):
        assert unsaid not in caplog.text + repr(refused.value)


def test_an_account_that_was_guessed_at_is_locked(active_directory: Domain) -> None:
    """The domain locks after three; then the right password is refused as well."""
    settings = active_directory.settings()
    for _ in range(3):
        with pytest.raises(CredentialsRefused):
            signs_in(settings, LOCKED, "a guess")

    with pytest.raises(CredentialsRefused) as refused:
        signs_in(settings, LOCKED)

    assert ("locked", 0x775) == (refused.value.refusal, refused.value.code)


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "jan*",
        "jane)(objectClass=*",
        "*)(objectClass=*",
        "\\2a",
        "ja\\6ee",
        "jane\0",
        "jane))(|(cn=*",
    ],
)
def test_a_name_is_never_a_filter(active_directory: Domain, name: str) -> None:
    """Escaped, it is the name of nobody (RFC 4515)."""
    with pytest.raises(CredentialsRefused):
        signs_in(active_directory.settings(), name)


def test_an_empty_password_signs_in_nobody(active_directory: Domain) -> None:
    """RFC 4513, 5.1.2: Active Directory takes such a bind, as one of nobody."""
    with pytest.raises(CredentialsRefused):
        signs_in(active_directory.settings(), JANE, "")


def wrong_settings(there: Domain) -> dict[str, tuple[LdapSettings, str, str]]:
    """Return settings that the directory refuses: the reason in the log, and the fix."""
    right, plain = there.settings(), f"ldap://{there.named}"
    return {
        "no TLS": (there.settings(url=plain, ca_file=None), "bind: result 8", "ldaps://"),
        "anonymous": (
            there.settings(bind_dn="", bind_password=""),
            "search: result 1",
            "LDAP_<NAME>_BIND_DN",
        ),
        "password": (
            replace(right, bind_password="wrong"),
            "the directory refused the BIND_DN",
            "LDAP_<NAME>_BIND_PASSWORD",
        ),
        "no such base": (
            replace(right, base="OU=gone,DC=example,DC=com"),
            "search: result 32",
            "LDAP_<NAME>_BASE",
        ),
        "base of others": (
            replace(right, base="DC=example,DC=org"),
            "search: result",
            "LDAP_<NAME>_BASE",
        ),
        "filter": (
            replace(right, filter="(uid={username}))("),
            "the filter is none of RFC 4515",
            "LDAP_<NAME>_FILTER",
        ),
        "subject": (
            replace(right, subject="entryUUID"),
            "an entry without entryUUID",
            "LDAP_<NAME>_SUBJECT",
        ),
        "unknown CA": (
            there.settings(ca_file=None),
            "certificate: of an unknown CA",
            "_CA_FILE",
        ),
        "unknown CA, StartTLS": (
            there.settings(url=plain, ca_file="/etc/ssl/certs/ca-certificates.crt"),
            "certificate: of an unknown CA",
            "_CA_FILE",
        ),
        "another host": (
            there.settings(url=f"ldaps://{there.unnamed}"),
            "certificate: for another host",
            "certificate",
        ),
    }


@pytest.mark.parametrize(
    "fault",
    [
        *("no TLS", "anonymous", "password", "no such base", "base of others", "filter", "subject"),
        *("unknown CA", "unknown CA, StartTLS", "another host"),
    ],
)
def test_each_fault_of_the_settings_is_named_with_its_fix(
    active_directory: Domain, fault: str
) -> None:
    """No outage, and no word of a password; `doctor` finds the same."""
    settings, reason, fix = wrong_settings(active_directory)[fault]

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        signs_in(settings)

    assert reason in wrong.value.reason
    assert fix in wrong.value.fix
    assert SEARCHER_PASSWORD not in wrong.value.reason + wrong.value.fix
    (told,) = ldap_check.check(settings)
    assert told.fix


def test_an_expired_certificate_is_named(expired_domain: Domain) -> None:
    with pytest.raises(AuthenticatorMisconfigured, match="certificate: expired"):
        signs_in(expired_domain.settings())

    (told,) = ldap_check.check(expired_domain.settings())
    assert "cannot be trusted (certificate: expired)" == told.words


@pytest.mark.parametrize(
    ("port", "reason", "fix"),
    [
        (1, "refuses connections: nothing listens at its port", "LDAP_<NAME>_URL"),
        (
            389,
            "ends the connection: it does not speak TLS there, or is down",
            "ldaps:// for port 636",
        ),
    ],
)
def test_a_domain_controller_that_is_down_is_told_from_a_wrong_certificate(
    active_directory: Domain, port: int, reason: str, fix: str
) -> None:
    """It may be back in a minute, which no certificate is."""
    settings = active_directory.settings(url=f"ldaps://{active_directory.named}:{port}")

    with pytest.raises(AuthenticatorUnavailable) as away:
        signs_in(settings)

    assert not isinstance(away.value, AuthenticatorMisconfigured)
    assert reason == away.value.reason
    assert fix in away.value.fix
    (told,) = ldap_check.check(settings)
    assert reason == told.words
    assert fix.replace("<NAME>", "STAFF") in told.fix

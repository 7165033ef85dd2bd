"""The settings of each kind of authenticator, read as a server reads them."""

import certifi
import pytest
from sqlalchemy.engine import make_url

from app.accounts.http_endpoint import HttpSettings
from app.accounts.ldap_settings import LdapSettings
from app.accounts.oidc_settings import POST, OidcSettings
from app.infra.settings.settings import ConfigError, Settings
from tests.accounts.password_endpoint import SECRET
from tests.installation import settings_for

CERTIFICATES = certifi.where()
GOOGLE = {
    "AUTHENTICATORS": "local oidc:google",
    "OIDC_GOOGLE_ISSUER": "https://accounts.google.com",
    "OIDC_GOOGLE_CLIENT_ID": "threadlink",
    "OIDC_GOOGLE_CLIENT_SECRET": "canary-client-secret",
}
SHOP = {
    "AUTHENTICATORS": "http:shop",
    "HTTP_SHOP_URL": "https://shop.example.com/check",
    "HTTP_SHOP_SECRET": SECRET,
}

STAFF = {
    "AUTHENTICATORS": "ldap:staff",
    "LDAP_STAFF_URL": "ldaps://ldap.example.com",
    "LDAP_STAFF_BASE": "dc=example,dc=com",
    "LDAP_STAFF_BIND_DN": "cn=threadlink,dc=example,dc=com",
    "LDAP_STAFF_BIND_PASSWORD": "canary-bind",
}


def read(**changed: str) -> Settings:
    return settings_for(make_url("sqlite:///unused"), **changed)


def google(**changed: str) -> OidcSettings:
    settings = read(**{**GOOGLE, **changed}).sign_in.settings_of["oidc:google"]
    assert isinstance(settings, OidcSettings)
    return settings


def shop(**changed: str) -> HttpSettings:
    settings = read(**{**SHOP, **changed}).sign_in.settings_of["http:shop"]
    assert isinstance(settings, HttpSettings)
    return settings


def staff(**changed: str) -> LdapSettings:
    settings = read(**{**STAFF, **changed}).sign_in.settings_of["ldap:staff"]
    assert isinstance(settings, LdapSettings)
    return settings


def test_the_built_in_accounts_are_the_default() -> None:
    assert ("local",) == read().sign_in.authenticators


def test_a_provider_needs_three_settings_and_has_defaults() -> None:
    settings = google()

    assert "Google" == settings.label
    assert "openid email profile" == settings.scope


def test_google_is_not_offered_inside_other_apps_by_default() -> None:
    """R55: it refuses such browsers."""
    by_default = google().in_webviews
    when_set = google(OIDC_GOOGLE_IN_WEBVIEWS="1").in_webviews
    another_issuer = google(OIDC_GOOGLE_ISSUER="https://id.example.com/").in_webviews

    assert (False, True, True) == (by_default, when_set, another_issuer)


def test_each_authenticator_may_have_certificates_of_its_own() -> None:
    """Without them `http:` and `oidc:` trust the CAs that we bring, `ldap:` the system's."""
    settings = (
        google(OIDC_GOOGLE_CA_FILE=CERTIFICATES),
        shop(HTTP_SHOP_CA_FILE=CERTIFICATES),
        staff(LDAP_STAFF_CA_FILE=CERTIFICATES),
    )

    assert {CERTIFICATES} == {one.ca_file for one in settings}
    assert {None} == {one.ca_file for one in (google(), shop(), staff())}


def test_how_the_secret_is_sent_can_be_chosen() -> None:
    assert google().auth_method is None
    assert POST == google(OIDC_GOOGLE_AUTH_METHOD=POST).auth_method


def test_no_secret_of_an_authenticator_shows_in_a_repr() -> None:
    shown = f"{read(**GOOGLE)!r}{read(**SHOP)!r}{read(**STAFF)!r}"

    assert "canary" not in shown
    assert str(shop().secrets) not in shown


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"AUTHENTICATORS": "magic"}, "AUTHENTICATORS must name local"),
        ({"AUTHENTICATORS": "oidc:Goo_gle"}, "AUTHENTICATORS must name local"),
        ({"AUTHENTICATORS": "oidc:"}, "AUTHENTICATORS must name local"),
        ({"AUTHENTICATORS": "local local"}, "AUTHENTICATORS names an authenticator twice"),
        ({**SHOP, "AUTHENTICATORS": "local http:shop"}, "AUTHENTICATORS names two that ask"),
        ({"AUTHENTICATORS": "oidc:google"}, "OIDC_GOOGLE_ISSUER is not set"),
        ({**GOOGLE, "OIDC_GOOGLE_ISSUER": "http://id.example.com"}, "OIDC_GOOGLE_ISSUER must be"),
        ({**GOOGLE, "OIDC_GOOGLE_ISSUER": "https://id.example.com?a=b"}, "must be an address"),
        ({**GOOGLE, "OIDC_GOOGLE_ISSUER": "https://me:pw@id.example.com"}, "must be like https"),
        ({**GOOGLE, "OIDC_GOOGLE_SCOPE": "email"}, 'OIDC_GOOGLE_SCOPE must hold "openid"'),
        ({**GOOGLE, "OIDC_GOOGLE_CLIENT_SECRET": ""}, "OIDC_GOOGLE_CLIENT_SECRET is not set"),
        (
            {**GOOGLE, "OIDC_GOOGLE_AUTH_METHOD": "basic"},
            "OIDC_GOOGLE_AUTH_METHOD must be one of client_secret_basic, client_secret_post",
        ),
        ({**GOOGLE, "OIDC_GOOGLE_CA_FILE": "/nowhere"}, "OIDC_GOOGLE_CA_FILE names no file"),
        (
            {**GOOGLE, "OIDC_GOOGLE_CA_FILE": __file__},
            "OIDC_GOOGLE_CA_FILE names a file that holds no certificate in PEM",
        ),
        (
            {**SHOP, "HTTP_SHOP_CA_FILE": __file__},
            "HTTP_SHOP_CA_FILE names a file that holds no certificate in PEM",
        ),
        (
            {**STAFF, "LDAP_STAFF_CA_FILE": __file__},
            "LDAP_STAFF_CA_FILE names a file that holds no certificate in PEM",
        ),
        ({**SHOP, "HTTP_SHOP_URL": "http://shop.example.com/check"}, "HTTP_SHOP_URL must be"),
        ({**SHOP, "HTTP_SHOP_SECRET": "short"}, "HTTP_SHOP_SECRET must be"),
        ({**STAFF, "AUTHENTICATORS": "local ldap:staff"}, "AUTHENTICATORS names two that ask"),
        ({**STAFF, "LDAP_STAFF_URL": "https://ldap.example.com"}, "LDAP_STAFF_URL must be like"),
        ({**STAFF, "LDAP_STAFF_URL": "ldaps://me:pw@ldap.example.com"}, "LDAP_STAFF_URL must be"),
        ({**STAFF, "LDAP_STAFF_BASE": ""}, "LDAP_STAFF_BASE is not set"),
        ({**STAFF, "LDAP_STAFF_BIND_PASSWORD": ""}, "LDAP_STAFF_BIND_DN needs LDAP"),
        ({**STAFF, "LDAP_STAFF_BIND_DN": ""}, "LDAP_STAFF_BIND_PASSWORD needs"),
        ({**STAFF, "LDAP_STAFF_FILTER": "(uid=*)"}, "LDAP_STAFF_FILTER must be"),
        ({**STAFF, "LDAP_STAFF_ATTRIBUTE": "uid)("}, "LDAP_STAFF_ATTRIBUTE must be"),
        ({**STAFF, "LDAP_STAFF_SUBJECT": "mail"}, "LDAP_STAFF_SUBJECT must be one of"),
        ({**STAFF, "LDAP_STAFF_CA_FILE": "/nowhere"}, "LDAP_STAFF_CA_FILE names no file"),
        ({**STAFF, "LDAP_STAFF_CA_FILE": __file__}, "LDAP_STAFF_CA_FILE names a file that holds"),
        (
            {**STAFF, "LDAP_STAFF_ATTRIBUTE": "uid", "LDAP_STAFF_FILTER": "(uid={username})"},
            "LDAP_STAFF_FILTER and LDAP_STAFF_ATTRIBUTE exclude",
        ),
        ({"HELP_URL_CONTACT": "javascript:alert(1)"}, "HELP_URL_CONTACT must be"),
    ],
)
def test_a_fault_is_named_and_nothing_given_is_shown(changed: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**changed)

    assert fault in str(refused.value)
    assert "canary" not in str(refused.value)
    assert "pw@" not in str(refused.value)


def test_an_endpoint_on_this_machine_may_be_plain_http() -> None:
    """Nobody else hears it there."""
    settings = shop(HTTP_SHOP_URL="http://127.0.0.1:9000/check")

    assert "http://127.0.0.1:9000/check" == settings.url


@pytest.mark.parametrize(
    ("url", "is_encrypted"),
    [
        ("ldaps://ldap.example.com", True),
        ("ldap://ldap.example.com", True),
        ("ldaps://127.0.0.1", True),
        ("ldap://127.0.0.1:3890", False),
    ],
)
def test_only_a_directory_on_this_machine_is_asked_in_plain(
    url: str, *, is_encrypted: bool
) -> None:
    """Anywhere else the password would pass others."""
    settings = staff(LDAP_STAFF_URL=url)

    assert is_encrypted is settings.is_encrypted
    assert "(uid={username})" == settings.filter

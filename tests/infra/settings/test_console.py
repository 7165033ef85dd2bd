"""The settings of the operators' console: what may be set, and what stops the start (R134)."""

from ipaddress import ip_network

import pytest

from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.infra.settings.test_unfit_settings import SAFE
from tests.installation import ENVIRONMENT

HERE = {**ENVIRONMENT, "CONSOLE_URL": "http://localhost:8000"}
THERE = {**SAFE, "CONSOLE_URL": "https://console.shop.example"}
OIDC = {
    "CONSOLE_SIGN_IN": "oidc",
    "CONSOLE_OIDC_ISSUER": "https://login.shop.example",
    "CONSOLE_OIDC_CLIENT_ID": "threadlink",
    "CONSOLE_OIDC_CLIENT_SECRET": "canary-client-secret",
    "CONSOLE_ADMINS": "sub:17",
}

WRONG = [
    (SAFE, {"CONSOLE_URL": "http://console.shop.example"}, "CONSOLE_URL must begin with https"),
    (SAFE, {"CONSOLE_URL": "https://localhost"}, "CONSOLE_URL must begin with https"),
    (SAFE, {"CONSOLE_URL": "https://link.shop.example:8443"}, "another host name"),
    (SAFE, {"CONSOLE_URL": "https://LINK.shop.example."}, "another host name"),
    (SAFE, {"CONSOLE_URL": "https://console.shop.example/x"}, "CONSOLE_URL must be like"),
    (HERE, {"CONSOLE_URL": "http://127.0.0.1:8000"}, "another host name"),
    (HERE, {"CONSOLE_URL": "http://127.0.0.1:9000"}, "another host name"),
    (HERE, {"CONSOLE_URL": "https://console.shop.example"}, "as PUBLIC_URL is"),
    (THERE, {"ALLOWED_HOSTS": "console.shop.example"}, "ALLOWED_HOSTS must not name"),
    (THERE, {"ALLOWED_HOSTS": "x.example console.shop.example:8000"}, "ALLOWED_HOSTS must not"),
    (THERE, {"CONSOLE_NETWORKS": "10.0.0.1/8"}, "CONSOLE_NETWORKS must be"),
    (THERE, {"CONSOLE_NETWORKS": "office"}, "CONSOLE_NETWORKS must be"),
    (THERE, {"CONSOLE_SIGN_IN": "ldap"}, "CONSOLE_SIGN_IN must be"),
    (THERE, {"CONSOLE_SIGN_IN": "local local"}, "CONSOLE_SIGN_IN must be"),
    (THERE, {**OIDC, "CONSOLE_ADMINS": ""}, "are all empty"),
    (THERE, {**OIDC, "CONSOLE_ADMINS": "kim@shop.example"}, "an e-mail is no proof"),
    (THERE, {**OIDC, "CONSOLE_ADMINS": "email:kim@shop.example"}, "CONSOLE_ADMINS must be"),
    (THERE, {**OIDC, "CONSOLE_OIDC_ISSUER": ""}, "CONSOLE_OIDC_ISSUER is not set"),
    (THERE, {**OIDC, "CONSOLE_OIDC_ISSUER": "http://login.shop.example"}, "CONSOLE_OIDC_ISSUER"),
    (THERE, {**OIDC, "CONSOLE_OIDC_SCOPE": "profile"}, "CONSOLE_OIDC_SCOPE must hold"),
    (THERE, {"KEEP_AUDIT_DAYS": "29"}, "KEEP_AUDIT_DAYS must be"),
]


def test_without_an_address_there_is_none() -> None:
    """R134: whatever else is set."""
    settings = settings_from_env({**SAFE, "CONSOLE_SIGN_IN": "oidc"})

    assert not settings.console.is_on
    assert settings.console.provider is None


@pytest.mark.parametrize(("base", "changed", "word"), WRONG, ids=lambda value: str(value)[-60:])
def test_what_is_not_safe_stops_the_start(
    base: dict[str, str], changed: dict[str, str], word: str
) -> None:
    """R134: with the name of the setting, and no value."""
    with pytest.raises(ConfigError, match=word) as refused:
        settings_from_env({**base, **changed})

    assert "canary" not in str(refused.value)
    assert "kim" not in str(refused.value)


@pytest.mark.parametrize("base", [SAFE, ENVIRONMENT], ids=["production", "here"])
def test_an_ssh_tunnel_needs_no_certificate(base: dict[str, str]) -> None:
    """R134: also beside a public server."""
    console = settings_from_env({**base, "CONSOLE_URL": "http://localhost:8000"}).console

    assert (True, False, "localhost:8000") == (console.is_on, console.is_https, console.host)


def test_everything_can_be_set() -> None:
    """R134, R135: and the client's secret is in no text of it."""
    networks = "10.0.0.0/8 2001:db8::/32 192.0.2.7"
    settings = settings_from_env({**THERE, **OIDC, "CONSOLE_NETWORKS": networks})
    console = settings.console

    assert tuple(map(ip_network, networks.split())) == console.networks
    assert ("sub:17",) == console.admins
    assert console.provider is not None
    assert ("openid profile", "groups") == (console.provider.scope, console.provider.groups_claim)
    assert "canary" not in repr(settings)
    assert 400 == settings.retention.audit.days

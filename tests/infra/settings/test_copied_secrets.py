"""Tokens and app secrets with something around them are refused at the start, and not repeated.

Graph says no more of them than "Malformed access token", when the first person signs in.
"""

from pathlib import Path

import pytest

from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

TOKEN = "EAAGm0PX4ZCpsBAcanary"
SPELLINGS = {
    "in quotes, which docker keeps": (f'"{TOKEN}"', "must not be in quotes"),
    "in single quotes": (f"'{TOKEN}'", "must not be in quotes"),
    "in quotes of a word processor": (f"\u201c{TOKEN}\u201d", "must not be in quotes"),
    "with one quote": (f'{TOKEN}"', "must not be in quotes"),
    "with Bearer": (f"Bearer {TOKEN}", 'must be the token alone, without "Bearer"'),
    "with bearer": (f"bearer  {TOKEN}", 'must be the token alone, without "Bearer"'),
    "in two lines": (f"EAAGm0PX4\n{TOKEN}", "must be in one piece"),
    "in two words": (f"EAAGm0PX4 {TOKEN}", "must be in one piece"),
    "with an invisible character": (f"EAAG\u200b{TOKEN}", "copy it again"),
    "with another letter": (f"\u0415AAG{TOKEN}", "copy it again"),
}
spellings = pytest.mark.parametrize(("text", "told"), SPELLINGS.values(), ids=SPELLINGS.keys())


@spellings
@pytest.mark.parametrize("name", ["PAGE_ACCESS_TOKEN", "APP_SECRET", "APP_SECRET_PREVIOUS"])
def test_what_stands_around_a_secret_is_named(name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, name: text})

    assert str(refused.value).startswith(f"{name} must")
    assert told in str(refused.value)
    assert TOKEN not in str(refused.value)


@spellings
def test_so_it_is_in_a_file_of_pages(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    path = tmp_path / "pages.toml"
    path.write_text(
        f'[[pages]]\nid = "1"\nname = "x"\ntoken_file = "{tmp_path}/token"\n', encoding="utf-8"
    )
    kept = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("PAGE_")}

    with pytest.raises(ConfigError) as refused:
        settings_from_env({**kept, "PAGES_FILE": str(path)})

    assert "PAGES_FILE page 1: token must" in str(refused.value)
    assert told in str(refused.value)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("text", [TOKEN, f"  {TOKEN}\n", f"{TOKEN}|=-_./+"])
def test_a_token_as_meta_shows_it_is_taken(text: str) -> None:
    settings = settings_from_env({**ENVIRONMENT, "PAGE_ACCESS_TOKEN": text})

    assert text.strip() == settings.pages[0].token


OWN = "canary-" + "k7Qw9ZtR2xLm4VbN8cYp"
EVERY_SECRET = {
    "SECRET_KEY": {},
    "SECRET_KEY_FALLBACKS": {},
    "APP_SECRET": {},
    "APP_SECRET_PREVIOUS": {},
    "VERIFY_TOKEN": {},
    "PAGE_ACCESS_TOKEN": {},
    "METRICS_TOKEN": {},
    "BOT_WEBHOOK_SECRET": {"BOT_WEBHOOK_URL": "https://bot.test/"},
    "OTEL_EXPORTER_OTLP_HEADERS": {},
    "SENTRY_DSN": {},
    "HTTP_SHOP_SECRET": {"AUTHENTICATORS": "http:shop", "HTTP_SHOP_URL": "https://shop.test/"},
    "OIDC_X_CLIENT_SECRET": {
        "AUTHENTICATORS": "oidc:x",
        "OIDC_X_ISSUER": "https://x.test",
        "OIDC_X_CLIENT_ID": "x",
    },
    "LDAP_X_BIND_PASSWORD": {
        "AUTHENTICATORS": "ldap:x",
        "LDAP_X_URL": "ldaps://x.test",
        "LDAP_X_BASE": "dc=x",
        "LDAP_X_BIND_DN": "cn=x",
    },
    "DATABASE_URL": {},
    "HTTPS_PROXY_URL": {},
}
each_secret = pytest.mark.parametrize(("name", "others"), EVERY_SECRET.items(), ids=EVERY_SECRET)
# People choose these, and may choose spaces; those are taken apart at spaces.
WITH_SPACES = {"LDAP_X_BIND_PASSWORD", "SECRET_KEY_FALLBACKS", "OTEL_EXPORTER_OTLP_HEADERS"}


@each_secret
def test_a_comment_or_quotes_are_no_secret(
    name: str, others: dict[str, str], tmp_path: Path
) -> None:
    """As Compose reads "NAME=  # a comment", and docker NAME="value": each secret, each place."""
    path = tmp_path / "secret"
    env = {key: value for key, value in {**ENVIRONMENT, **others}.items() if key != name}
    for text in ("# made by openssl rand", "#", f"'{OWN}'", f'"{OWN}"'):
        path.write_text(f"{text}\n", encoding="utf-8")
        for given in ({name: text}, {f"{name}_FILE": str(path)}):
            with pytest.raises(ConfigError) as refused:
                settings_from_env({**env, **given})

            expected = "must not begin with" if text[0] == "#" else "must not be in quotes"
            assert f"{name} {expected}" in str(refused.value)
            assert "is not set" not in str(refused.value)
            assert OWN not in str(refused.value)
            assert "openssl" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(EVERY_SECRET.keys() - WITH_SPACES))
def test_white_space_in_a_secret_is_a_fault(name: str) -> None:
    for text in (f"{OWN} # ours", f"{OWN}\n{OWN}", f"{OWN} {OWN}", f"{OWN}\t1"):
        with pytest.raises(ConfigError) as refused:
            settings_from_env({**ENVIRONMENT, **EVERY_SECRET[name], name: text})

        assert f"{name} must" in str(refused.value)
        assert OWN not in str(refused.value)


def test_a_directory_s_password_may_be_as_people_choose_them() -> None:
    for text in ("two words", "#1 fan", "it's 5\" long", "pässwörd"):
        settings_from_env(
            {
                **ENVIRONMENT,
                **EVERY_SECRET["LDAP_X_BIND_PASSWORD"],
                "LDAP_X_BIND_PASSWORD": text,
            }
        )
    with pytest.raises(ConfigError, match="LDAP_X_BIND_PASSWORD must be one line"):
        settings_from_env(
            {
                **ENVIRONMENT,
                **EVERY_SECRET["LDAP_X_BIND_PASSWORD"],
                "LDAP_X_BIND_PASSWORD": "one\ntwo",
            }
        )


def test_a_comment_is_the_value_of_no_setting() -> None:
    """Texts without a grammar of their own are the ones that would take it."""
    for name in ("OIDC_X_LABEL", "OIDC_X_CLIENT_ID", "ALLOWED_HOSTS", "AUTHENTICATORS"):
        with pytest.raises(ConfigError, match=f"{name} must not begin with"):
            settings_from_env(
                {**ENVIRONMENT, **EVERY_SECRET["OIDC_X_CLIENT_SECRET"], name: "# see docs"}
            )


@pytest.mark.parametrize("text", ["x-team=ours", "a=1,b=2", "Authorization=Basic dXNlcg=="])
def test_headers_are_names_and_values(text: str) -> None:
    settings = settings_from_env({**ENVIRONMENT, "OTEL_EXPORTER_OTLP_HEADERS": text})

    assert text == settings.monitoring.otlp_headers


@pytest.mark.parametrize("text", ["canary", "x-team: canary", "a=1,canary", "=canary"])
def test_other_headers_are_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, "OTEL_EXPORTER_OTLP_HEADERS": text})

    assert "OTEL_EXPORTER_OTLP_HEADERS must be like name=value" in str(refused.value)
    assert "canary" not in str(refused.value)

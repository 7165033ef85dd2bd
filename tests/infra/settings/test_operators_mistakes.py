"""What operators write wrong: each mistake has one line, which is true and says what is wanted."""

from pathlib import Path

import pytest

from app.infra.settings.near_misses import near_misses
from app.infra.settings.settings import ConfigError
from app.services.settings import load_settings, settings_from_env
from tests.installation import ENVIRONMENT

# Variables of shells, services, CI and containers.
FOREIGN = (
    "HOME PATH PWD USER LOGNAME LANG LANGUAGE SHELL TERM HOSTNAME MAIL EDITOR DISPLAY TMPDIR "
    "HTTP_PROXY HTTPS_PROXY NO_PROXY PORT HOST DEBUG VIRTUAL_ENV PYTHONPATH PYTHONUNBUFFERED "
    "GITHUB_TOKEN GITHUB_APP_ID KUBERNETES_SERVICE_HOST INVOCATION_ID JOURNAL_STREAM "
    "STATE_DIRECTORY "
    "POSTGRES_PASSWORD PGHOST PGSSLMODE REDIS_URL SENTRY_RELEASE SENTRY_ENVIRONMENT LOG_FILE "
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_SERVICE_NAME SSL_CERT_FILE WEB_CONCURRENCY"
)


def _errors(**changed: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, **changed})
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PUBLC_URL", "PUBLIC_URL"),
        ("TRUSTED_PROXYS", "TRUSTED_PROXIES"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("APP_SECERT", "APP_SECRET"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("confirm_in_chat", "CONFIRM_IN_CHAT"),
        ("SECRT_KEY_FILE", "SECRET_KEY_FILE"),
        ("OIDC_SHOP_CLIENT_IDD", "OIDC_SHOP_CLIENT_ID"),
        ("LDAP_STAF_URL", "LDAP_STAFF_URL"),
    ],
)
def test_a_misspelt_setting_is_named(name: str, meant: str) -> None:
    """Without that it is silently without effect."""
    in_use = {
        "AUTHENTICATORS": "ldap:staff oidc:shop",
        "LDAP_STAFF_URL": "ldaps://ldap.example.com",
        "LDAP_STAFF_BASE": "dc=example",
        "OIDC_SHOP_ISSUER": "https://id.example.com",
        "OIDC_SHOP_CLIENT_ID": "threadlink",
        "OIDC_SHOP_CLIENT_SECRET": "canary-client-secret",
    }

    settings = settings_from_env({**ENVIRONMENT, **in_use, name: "5"})

    assert [f"{name} is no setting. Did you mean {meant}?"] == list(map(str, settings.near_misses))


def test_the_misspelt_name_of_a_missing_setting_stands_beside_it() -> None:
    errors = _errors(SECRET_KEY="", SECRT_KEY=ENVIRONMENT["SECRET_KEY"])

    assert [
        "SECRET_KEY is not set",
        "SECRT_KEY is no setting. Did you mean SECRET_KEY?",
    ] == errors


def test_foreign_variables_are_no_misspelt_settings() -> None:
    assert () == near_misses(FOREIGN.split(), ENVIRONMENT)


def test_each_setting_is_none_either() -> None:
    settings = settings_from_env({**ENVIRONMENT, "PAGES_FILE": "", "METRICS_TOKEN_FILE": ""})

    assert () == settings.near_misses


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"SECRET_KEY_FILE": "/nope"}, "SECRET_KEY_FILE names a file that does not exist"),
        ({"SECRET_KEY_FILE": "/"}, "SECRET_KEY_FILE names a file that is a folder"),
        (
            {"BOT_WEBHOOK_URL": "http://127.0.0.1:1", "BOT_WEBHOOK_SECRET": "abc"},
            'BOT_WEBHOOK_SECRET must be "whsec_" and base64 of 24 to 64 bytes',
        ),
        ({"BOT_WEBHOOK_URL": "http://127.0.0.1:1"}, "BOT_WEBHOOK_URL needs BOT_WEBHOOK_SECRET"),
        ({"APP_SECRET": "", "APP_SECRET_PREVIOUS": '"x"'}, "APP_SECRET is not set"),
        ({"APP_SECRET": '"canary"'}, "APP_SECRET must not be in quotes"),
        ({"PAGE_ACCESS_TOKEN": "Bearer canary"}, "PAGE_ACCESS_TOKEN must be the token alone"),
        ({"SENTRY_DSN": "x"}, "SENTRY_DSN must be like https://KEY@"),
        ({"PUBLIC_URL": "http://shop.example"}, "PUBLIC_URL must begin with https://"),
        ({"PUBLIC_URL": "https://localhost"}, "PUBLIC_URL must not name this machine"),
        ({"DATABASE_URL": "mysql://u:canary@h/d"}, "DATABASE_URL must begin with sqlite:///"),
        ({"BREACHED_PASSWORDS_FILE": "/nope"}, "BREACHED_PASSWORDS_FILE names a file that does"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of debug, info, warning, error"),
    ],
    ids=str,
)
def test_one_mistake_has_one_line(changed: dict[str, str], error: str) -> None:
    """Each line is true: none follows from another, and none is said twice."""
    errors = _errors(**changed)

    assert errors[0].startswith(error)
    assert [] == [line for line in errors[1:] if "APP_SECRET_PREVIOUS" not in line]
    assert "canary" not in str(errors)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "PAGES_FILE names a file that does not exist"),
        ("[[pages", "PAGES_FILE names a file that cannot be read as TOML (at "),
        (
            '[[pages]]\nid = "1"\ntoken_file = "/nope"\n',
            "page 1: token_file names a file that does",
        ),
        ('[[pages]]\nid = "1"\ntoken = "a canary"\n', "page 1: token must be in one piece"),
    ],
)
def test_a_file_of_pages_is_refused_for_its_own_reason(
    tmp_path: Path, content: str | None, error: str
) -> None:
    path = tmp_path / "pages.toml"
    if content is not None:
        path.write_text(content)

    (said,) = _errors(PAGES_FILE=str(path), PAGE_ID="", PAGE_ACCESS_TOKEN="")

    assert error in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("SECRET_KEY=grün\n".encode("utf-16"), ".env is not UTF-8"),
        ("SECRET_KEY=grün\n".encode("latin-1"), ".env is not UTF-8"),
        (None, ".env is a folder"),
    ],
)
def test_an_env_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, error: str
) -> None:
    """PowerShell's > writes UTF-16."""
    path = tmp_path / ".env"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=error):
        load_settings()


def test_a_mark_at_the_beginning_of_env_is_no_part_of_the_first_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notepad writes one in front of UTF-8."""
    lines = "".join(f"{name}={text}\n" for name, text in ENVIRONMENT.items())
    (tmp_path / ".env").write_text(lines, encoding="utf-8-sig")
    monkeypatch.chdir(tmp_path)

    assert ENVIRONMENT["SECRET_KEY"] == load_settings().secret_key


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("LOG_FORMAT", "JSON", "json"),
        ("CONFIRM_IN_CHAT", "Always", "always"),
    ],
)
def test_letter_case_makes_no_difference_where_one_of_a_few_words_is_wanted(
    name: str, text: str, expected: str
) -> None:
    settings = settings_from_env({**ENVIRONMENT, name: text})

    assert expected == getattr(settings, name.lower())


def test_authenticators_may_be_in_capitals() -> None:
    assert ("local",) == settings_from_env(
        {**ENVIRONMENT, "AUTHENTICATORS": "LOCAL"}
    ).sign_in.authenticators

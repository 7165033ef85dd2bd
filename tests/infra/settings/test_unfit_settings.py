"""Settings that stop a server before it takes a request, and some that do not."""

import secrets
from pathlib import Path

import pytest

from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

SAFE = {
    **ENVIRONMENT,
    "PUBLIC_URL": "https://link.shop.example",
    "SECRET_KEY": "Zk3yTq8vRw2mXc6nBh4jPd5sLf7gAe9u",
    "DATABASE_URL": "sqlite:///threadlink.sqlite",
}

# What works on a laptop, and must not leak into production; and a word of what is said of it.
LEAKS = [
    ({"PUBLIC_URL": "http://link.shop.example"}, "PUBLIC_URL"),
    ({"PUBLIC_URL": "https://127.0.0.1"}, "PUBLIC_URL"),
    ({"PUBLIC_URL": "https://link.localhost"}, "PUBLIC_URL"),
    ({"REDIRECT_ORIGINS": "http://127.0.0.1:8081"}, "REDIRECT_ORIGINS"),
    ({"REDIRECT_ORIGINS": "https://www.facebook.com http://localhost:8081"}, "REDIRECT_ORIGINS"),
    ({"GRAPH_URL": "http://127.0.0.1:8081"}, "GRAPH_URL"),
    ({"GRAPH_URL": "https://graph.evil.example"}, "GRAPH_URL_TRUSTED"),
    ({"GRAPH_URL": "https://graph.a.example", "GRAPH_URL_TRUSTED": "b.example"}, "GRAPH_URL"),
    ({"SECRET_KEY": "k" * 31}, "SECRET_KEY"),
    ({"SECRET_KEY": f"demo_{'k' * 48}"}, "SECRET_KEY"),
    ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY"),
    ({"SECRET_KEY": "k" * 32}, "SECRET_KEY repeats"),
    ({"SECRET_KEY": "abcdefgh" * 4}, "SECRET_KEY repeats"),
    ({"SECRET_KEY_FALLBACKS": "0123456701234567" * 3}, "SECRET_KEY repeats"),
    ({"VERIFY_TOKEN": "meatyhamhock"}, "VERIFY_TOKEN is shorter"),
    ({"VERIFY_TOKEN": "aaaaaaaaaaaaaaaaaaaaaaaa"}, "VERIFY_TOKEN is shorter"),
    ({"METRICS_TOKEN": "prometheus"}, "METRICS_TOKEN is shorter"),
    ({"APP_SECRET": "demo_60efff025951cddde78c"}, "APP_SECRET"),
    ({"VERIFY_TOKEN": "demo_meatyhamhock"}, "VERIFY_TOKEN"),
    ({"PAGE_ACCESS_TOKEN": "demo_EAAB"}, "the token of page"),
]


@pytest.mark.parametrize(("changed", "word"), LEAKS, ids=lambda value: str(value)[:60])
def test_a_setting_for_development_stops_a_public_server(
    changed: dict[str, str], word: str
) -> None:
    """R64, R71: one clear message, which names the setting and not its value."""
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**SAFE, **changed})

    assert word in str(refused.value)
    for value in changed.values():
        assert value not in str(refused.value) or value == "short"


@pytest.mark.parametrize("name", ["SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN"])
@pytest.mark.parametrize("public_url", ["https://link.shop.example", "http://127.0.0.1:8000"])
def test_no_secret_has_a_default(name: str, public_url: str) -> None:
    """R43, R64: in development neither; the demo makes its own."""
    env = {**SAFE, "PUBLIC_URL": public_url}
    del env[name]

    with pytest.raises(ConfigError, match=name):
        settings_from_env(env)


def test_keys_as_they_are_made_are_good() -> None:
    """R71: in base64 or hex, none is refused by bad luck."""
    for _ in range(2_000):
        env = {
            **SAFE,
            "SECRET_KEY": secrets.token_hex(16),
            "SECRET_KEY_FALLBACKS": secrets.token_urlsafe(48),
            "VERIFY_TOKEN": secrets.token_urlsafe(16),
            "METRICS_TOKEN": secrets.token_hex(16),
        }
        assert settings_from_env(env).is_production


def test_every_error_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({"PUBLIC_URL": "nowhere", "TRUSTED_PROXIES": "many"})

    missing = ("SECRET_KEY", "PUBLIC_URL", "APP_ID", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ID")
    for name in (*missing, "PAGE_ACCESS_TOKEN", "TRUSTED_PROXIES"):
        assert name in str(refused.value)
    assert "nowhere" not in str(refused.value)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """R113: as container platforms provide them."""
    file = tmp_path / "secret"
    file.write_text(f"{SAFE['SECRET_KEY']}\n")
    env = {name: value for name, value in SAFE.items() if name != "SECRET_KEY"}

    settings = settings_from_env({**env, "SECRET_KEY_FILE": str(file)})

    assert SAFE["SECRET_KEY"] == settings.secret_key
    assert settings.is_production


def test_no_secret_is_shown_with_the_settings() -> None:
    """R110: a log line, a traceback or a debugger shows settings by their repr."""
    shown = repr(settings_from_env(SAFE))

    for name in ("SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN"):
        assert SAFE[name] not in shown

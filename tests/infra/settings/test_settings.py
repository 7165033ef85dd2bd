"""Settings are checked at every start: all errors at once, by name, without values."""

from pathlib import Path

import pytest

from app.infra.settings.settings import ConfigError
from app.services.settings import load_settings, reload_settings, settings_from_env
from tests.installation import ENVIRONMENT, OTHER_PAGE, PAGE

PRODUCTION = {**ENVIRONMENT, "PUBLIC_URL": "https://link.example.com"}
REQUIRED = ("SECRET_KEY", "PUBLIC_URL", "APP_ID", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ID")


def test_every_missing_setting_is_reported_at_once() -> None:
    """R43: a server without an app secret does not start, in any mode."""
    errors = _errors({})

    for name in REQUIRED:
        assert f"{name} is not set" in errors


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PUBLIC_URL", "https://s3cret.example/path"),
        ("DATABASE_URL", "mysql://u:s3cret@h/d"),
        ("APP_ID", "s3cret"),
        ("PAGE_ID", "s3cret"),
        ("GRAPH_URL", "ftp://s3cret"),
        ("GRAPH_VERSION", "s3cret"),
        ("REDIRECT_ORIGINS", "https://ok.example s3cret"),
        ("MAX_LINKS_PER_USER", "s3cret"),
        ("PASSWORD_MIN_LENGTH", "7"),
        ("TRUSTED_PROXIES", "-1"),
        ("LOG_LEVEL", "s3cret"),
        ("SECRET_KEY_FILE", "/nowhere/s3cret"),
        ("PAGES_FILE", "/nowhere/s3cret"),
    ],
)
def test_a_malformed_setting_is_named_and_not_quoted(name: str, text: str) -> None:
    errors = _errors({**ENVIRONMENT, name: text})

    assert name in errors
    assert "s3cret" not in errors


def test_no_setting_shows_a_secret_when_it_is_printed() -> None:
    """R112."""
    printed = repr(settings_from_env(ENVIRONMENT))

    for name in ("SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN"):
        assert ENVIRONMENT[name] not in printed


def test_a_secret_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "app_secret"
    path.write_text("from-the-file\n")
    env = {**ENVIRONMENT, "APP_SECRET": "", "APP_SECRET_FILE": str(path)}

    assert "from-the-file" == settings_from_env(env).app_secret


def test_a_reload_takes_files_and_not_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The environment of a process cannot be changed from outside; what it names can.
    """
    monkeypatch.chdir(tmp_path)
    secret, written = tmp_path / "app_secret", tmp_path / ".env"
    secret.write_text("first-secret\n")
    written.write_text("VERIFY_TOKEN=first-token\nGRAPH_VERSION=v25.0\n")
    own = {**ENVIRONMENT, "APP_SECRET_FILE": str(secret), "GRAPH_VERSION": "v24.0"}
    for name, text in {**own, "APP_SECRET": "", "VERIFY_TOKEN": ""}.items():
        if text:
            monkeypatch.setenv(name, text)
    before = load_settings()

    secret.write_text("second-secret\n")
    written.write_text("VERIFY_TOKEN=second-token\nGRAPH_VERSION=v26.0\n")
    after = reload_settings(before)

    assert ("first-secret", "second-secret") == (before.app_secret, after.app_secret)
    assert ("first-token", "second-token") == (before.verify_token, after.verify_token)
    assert ("v24.0", "v24.0") == (before.graph_version, after.graph_version)


def test_one_file_has_many_pages(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("second-token\n")
    path = tmp_path / "pages.toml"
    path.write_text(
        f'[[pages]]\nid = "{PAGE}"\nname = "Harbour Coffee"\ntoken = "first-token"\n'
        f'[[pages]]\nid = "{OTHER_PAGE}"\ntoken_file = "{tmp_path}/token"\n'
    )

    pages = settings_from_env(_with_pages(path)).pages

    assert [(PAGE, "Harbour Coffee", "first-token"), (OTHER_PAGE, "", "second-token")] == [
        (page.id, page.name, page.token) for page in pages
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "without a [[pages]] table", id="empty"),
        pytest.param("[[pages", "cannot be read as TOML", id="no TOML"),
        pytest.param('[[pages]]\nid = "1"\n', "neither token nor token_file", id="no token"),
        pytest.param('[[pages]]\nid = 1\ntoken = "s3cret"\n', "must be text", id="id a number"),
        pytest.param('[[pages]]\nid = "1"\ntoken = "s3cret"\n' * 2, "twice", id="page twice"),
    ],
)
def test_an_error_in_pages_file_is_explained(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "pages.toml"
    path.write_text(content)

    errors = _errors(_with_pages(path))

    assert says in errors
    assert "s3cret" not in errors


def test_one_page_and_a_file_of_pages_exclude_each_other(tmp_path: Path) -> None:
    errors = _errors({**ENVIRONMENT, "PAGES_FILE": str(tmp_path / "pages.toml")})

    assert "exclude each other" in errors


def test_good_settings_start_in_production() -> None:
    assert settings_from_env(PRODUCTION).is_production


@pytest.mark.parametrize(
    ("url", "is_production"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("https://link.example.com", True),
        ("https://abc.ngrok-free.app", True),
    ],
)
def test_production_is_all_but_http_on_this_machine(url: str, *, is_production: bool) -> None:
    assert is_production == settings_from_env({**ENVIRONMENT, "PUBLIC_URL": url}).is_production


@pytest.mark.parametrize(
    ("env", "confirm_in_chat"),
    [
        (ENVIRONMENT, "never"),
        (PRODUCTION, "unnamed"),
        ({**PRODUCTION, "CONFIRM_IN_CHAT": "never"}, "never"),
        ({**PRODUCTION, "CONFIRM_IN_CHAT": "always"}, "always"),
        ({**ENVIRONMENT, "CONFIRM_IN_CHAT": "unnamed"}, "unnamed"),
    ],
)
def test_production_asks_unnamed_profiles_for_a_code(
    env: dict[str, str], confirm_in_chat: str
) -> None:
    """R17: by default, not where the operator has said otherwise, and not on this machine alone."""
    assert confirm_in_chat == settings_from_env(env).confirm_in_chat


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PUBLIC_URL", "http://link.example.com"),
        ("PUBLIC_URL", "https://127.0.0.1:8000"),
        ("GRAPH_URL", "http://127.0.0.1:8081"),
        ("GRAPH_URL", "https://graph.example.com"),
        ("REDIRECT_ORIGINS", "http://127.0.0.1:8081"),
        ("SECRET_KEY", "4-gulls"),
        ("SECRET_KEY", "demo_" + "x" * 40),
        ("APP_SECRET", "demo_0123456789"),
        ("VERIFY_TOKEN", "demo_0123456789"),
        ("PAGE_ACCESS_TOKEN", "demo_0123456789"),
    ],
)
def test_settings_of_the_demo_stop_a_start_in_production(name: str, text: str) -> None:
    """R116: each by name, none by value."""
    errors = _errors({**PRODUCTION, name: text})

    assert (PAGE if name == "PAGE_ACCESS_TOKEN" else name) in errors
    assert text not in errors


def test_another_graph_is_trusted_when_its_host_is_named_again() -> None:
    url = "https://graph.example.com"
    env = {**PRODUCTION, "GRAPH_URL": url, "GRAPH_URL_TRUSTED": "graph.example.com"}

    assert url == settings_from_env(env).graph_url


def _errors(env: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        settings_from_env(env)
    return str(refused.value)


def _with_pages(path: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "PAGE_ID": "", "PAGE_ACCESS_TOKEN": "", "PAGES_FILE": str(path)}

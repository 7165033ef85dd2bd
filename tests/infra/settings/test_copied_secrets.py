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

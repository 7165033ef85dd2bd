"""The settings, read with every kind of authenticator that this server knows."""

from collections.abc import Mapping

from app.accounts.sign_in_methods import KINDS
from app.infra.settings.settings import Settings


def load_settings(**changed: str) -> Settings:
    """Return the settings of the environment and ``.env``; *changed* come before both.

    Raises:
        ConfigError: Something is missing, malformed, or not fit for production.
    """
    return Settings.load(KINDS, **changed)


def settings_from_env(env: Mapping[str, str]) -> Settings:
    """Return the settings that *env* holds.

    Raises:
        ConfigError: Something is missing, malformed, or not fit for production.
    """
    return Settings.from_env(env, KINDS)


def reload_settings(settings: Settings) -> Settings:
    """Return the settings as they are written now, to be used in place of *settings*.

    Raises:
        ConfigError: They cannot be used, or not without a restart.
    """
    return settings.anew(KINDS)

"""The log line of the server's start."""

from structlog.testing import capture_logs

from app.cli.serving import note_start
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

PUBLIC = {
    **ENVIRONMENT,
    "PUBLIC_URL": "https://link.example.com",
    "SECRET_KEY": "a-key-of-the-tests-of-forty-odd-letters",
    "REDIRECT_ORIGINS": "https://facebook.com",
    "GRAPH_URL": "https://graph.facebook.com",
}


def test_the_start_logs_the_names_of_settings_and_no_value() -> None:
    """R111: a reader of the log learns which settings are set, and no secret."""
    with capture_logs() as told:
        note_start(settings_from_env(ENVIRONMENT))

    assert set(ENVIRONMENT) == set(told[0]["settings"])
    assert not [secret for secret in ENVIRONMENT.values() if secret in str(told)]


def test_the_start_logs_the_kind_of_cookies() -> None:
    """R67: on loopback http they have other names and are not Secure."""
    with capture_logs() as told:
        note_start(settings_from_env(ENVIRONMENT))
        note_start(settings_from_env(PUBLIC))

    assert ["plain: http on this machine", "__Host-, Secure"] == [line["cookies"] for line in told]

"""What the log says when the server starts."""

import pytest
from structlog.testing import capture_logs

from app.cli.serving import note_start
from app.infra.observability import logs
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

PUBLIC = {
    **ENVIRONMENT,
    "PUBLIC_URL": "https://link.example.com",
    "SECRET_KEY": "a key of the tests, of forty-odd letters",
    "REDIRECT_ORIGINS": "https://facebook.com",
    "GRAPH_URL": "https://graph.facebook.com",
}


@pytest.fixture(autouse=True)
def _from_info_up() -> None:
    # Whatever level another test has left behind.
    logs.configure(level="info", form="json")


def test_the_start_names_the_settings_and_tells_no_value() -> None:
    """R111: whoever reads the log knows what was decided, and holds no secret."""
    with capture_logs() as told:
        note_start(settings_from_env(ENVIRONMENT))

    assert set(ENVIRONMENT) == set(told[0]["settings"])
    assert not [secret for secret in ENVIRONMENT.values() if secret in str(told)]


def test_the_log_says_which_cookies_there_are() -> None:
    """R67: on loopback http they have other names, and nothing makes them Secure."""
    with capture_logs() as told:
        note_start(settings_from_env(ENVIRONMENT))
        note_start(settings_from_env(PUBLIC))

    assert ["plain: http on this machine", "__Host-, Secure"] == [line["cookies"] for line in told]

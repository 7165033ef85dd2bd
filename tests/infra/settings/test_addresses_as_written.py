"""Addresses of the outgoing side: taken for what they mean, or refused with the wanted spelling."""

from typing import Final

import pytest

from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

KEY: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# By setting: what else has to be set, and how the refusal begins.
ADDRESSES: Final = {
    "BOT_WEBHOOK_URL": ({"BOT_WEBHOOK_SECRET": KEY}, "must be like https://bot.example.com/path"),
    "BOT_MESSENGER_URL": ({}, "must be like https://bot.example.com/path"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ({}, "must be like https://bot.example.com/path"),
    "HTTP_X_URL": (
        {"AUTHENTICATORS": "http:x", "HTTP_X_SECRET": KEY},
        "must be like https://login.example.com/path",
    ),
    "OIDC_X_ISSUER": (
        {
            "AUTHENTICATORS": "oidc:x",
            "OIDC_X_CLIENT_ID": "x",
            "OIDC_X_CLIENT_SECRET": "0123456789abcdef",
        },
        "must be like https://login.example.com/path",
    ),
    "HELP_URL_CONTACT": ({}, "must be like https://login.example.com/path"),
}
REFUSED: Final = (
    "canary.test/x",
    "//canary.test/x",
    "ftp://canary.test/x",
    "mailto:canary@canary.test",
    "https:///canary",
    "https://jo:canary@canary.test/x",
    "https://canary.test/x#canary",
    "https://canary.test/x y",
    "https://canary.test\\x",
    "https://canary.test:99999/x",
    "https://[canary/x",
    "https://canäry.test/x",
    "https://canary.test/ä",
    "https://canary..test/x",
    "https://-canary.test/x",
    # IPv4 addresses with a number too much, and one too few.
    "https://10.0.0.256/canary",
    "https://10.0.1/canary",
)
TAKEN: Final = (
    "https://a.test",
    "https://a.test/x/y",
    "https://a.test:8443/x",
    "https://under_score.test/",
    "https://xn--bcher-kva.test/x",
    "https://10.1.2.3/x",
    "https://[fd00::1]:8443/x",
    "http://127.0.0.1:8090/x",
)


@pytest.mark.parametrize("name", ADDRESSES)
def test_each_address_is_taken_or_refused_in_words(name: str) -> None:
    others, wanted = ADDRESSES[name]

    for text in TAKEN:
        settings_from_env({**ENVIRONMENT, **others, name: text})
    for text in REFUSED:
        with pytest.raises(ConfigError) as refused:
            settings_from_env({**ENVIRONMENT, **others, name: text})
        assert f"{name} {wanted}" in str(refused.value), text
        assert "canary" not in str(refused.value)


def test_the_trusted_host_of_graph_is_a_host() -> None:
    """With a scheme it matched nothing, and the refusal spoke of GRAPH_URL alone."""
    for text, host in (("g.test", "https://g.test"), ("g.test:8443", "https://g.test:8443")):
        settings_from_env({**ENVIRONMENT, "GRAPH_URL": host, "GRAPH_URL_TRUSTED": text})
    for text in ("https://g.test", "g.test/", "g.test:x", "jo@g.test"):
        with pytest.raises(ConfigError, match="GRAPH_URL_TRUSTED must be like link"):
            settings_from_env(
                {**ENVIRONMENT, "GRAPH_URL": "https://g.test", "GRAPH_URL_TRUSTED": text}
            )

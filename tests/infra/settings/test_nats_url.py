"""BOT_MESSENGER_URL as programs of NATS write it: taken for what it means, or refused with why."""

from pathlib import Path
from typing import Final

import pytest

from app.infra.settings import bot
from app.infra.settings.nats_url import NatsAddress, nats_address
from app.infra.settings.parsing import SettingError
from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

TAKEN: Final = {
    "nats://nats-1": NatsAddress(servers=("nats://nats-1:4222",)),
    "nats://nats-1/": NatsAddress(servers=("nats://nats-1:4222",)),
    "tls://a.test:4443,b.test/orders": NatsAddress(
        servers=("tls://a.test:4443", "tls://b.test:4222"), stream="orders"
    ),
    "nats://jo:p%40ss%2Cw@10.0.0.1,10.0.0.2:4223/messenger": NatsAddress(
        servers=("nats://10.0.0.1:4222", "nats://10.0.0.2:4223"), user="jo", password="p@ss,w"
    ),
    "nats://jo:pw@a.test,nats://jo:pw@b.test": NatsAddress(
        servers=("nats://a.test:4222", "nats://b.test:4222"), user="jo", password="pw"
    ),
    "tls://tok-en@[2001:db8::1]:4222": NatsAddress(
        servers=("tls://[2001:db8::1]:4222",), token="tok-en"
    ),
    "nats://127.0.0.1:4222/a-b_c": NatsAddress(servers=("nats://127.0.0.1:4222",), stream="a-b_c"),
}
REFUSED: Final = {
    "nats:nats-1": "must be like",
    "nats://": "must be like",
    "nats://jo:canary@": "must be like",
    "nats://nats-1,,nats-2": "must be like",
    "nats://nats-1:99999/canary": "must be like",
    "nats://nats-1/canary/x": "must be like",
    "nats://nats-1#canary": "must be like",
    "nats://nats-1 /canary": "must be like",
    "nats://8.8.8.8": "must be tls://",
    "nats://[2001:4860:4860::8888]": "must be tls://",
    "nats://jo:canary@a.test,nats://mo:canary@b.test": "must have the same user",
    "nats://jo:@a.test": "must have both USER and PASSWORD",
    "nats://jo:canary%zz@a.test": "in USER and PASSWORD, write",
    "nats://a.test/canary.x": "must name a stream of letters",
    "nats://a.test/>": "must name a stream of letters",
    "nats://a.test?canary=1": "has another parameter than credentials=FILE",
    "nats://a.test?credentials=/canary/none": "has credentials= with a file that cannot be read",
}


@pytest.mark.parametrize(("text", "meant"), TAKEN.items(), ids=TAKEN)
def test_it_is_taken_for_what_it_means(text: str, meant: NatsAddress) -> None:
    settings = settings_from_env({**ENVIRONMENT, "BOT_MESSENGER_URL": text})

    assert meant == settings.bot.messenger_log
    assert settings.bot.messenger_url is None


@pytest.mark.parametrize(("text", "told"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_and_not_repeated(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, "BOT_MESSENGER_URL": text})

    assert f"BOT_MESSENGER_URL {told}" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_login_is_in_no_representation_of_it() -> None:
    """R12: a log line or a traceback may quote one."""
    known = [nats_address("nats://jo:canary@a.test"), nats_address("nats://canary@a.test")]

    assert "canary" not in f"{known}"
    assert "canary" not in f"{[address.servers for address in known]}"


def test_a_file_of_credentials_must_hold_some(tmp_path: Path) -> None:
    path = tmp_path / "threadlink.creds"
    path.write_text("-----BEGIN USER NKEY SEED-----\nSU\n------END USER NKEY SEED------\n")
    (tmp_path / "empty").write_text("")

    assert str(path) == nats_address(f"nats://a.test?credentials={path}").credentials
    with pytest.raises(SettingError, match="holds none"):
        nats_address(f"nats://a.test?credentials={tmp_path / 'empty'}")


def test_without_the_package_the_settings_say_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.infra.settings.parsing.find_spec", lambda _: None)

    with pytest.raises(SettingError, match="uv sync --extra nats"):
        bot.url_or_log("nats://a.test")
    assert "https://a.test" == bot.url_or_log("https://a.test")

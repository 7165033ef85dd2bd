import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.infra.settings.parsing import SettingError, bot_url
from app.outbox.handlers import RetryLater, TargetGone
from app.outbox.http_post import HttpPoster
from tests import bot as bots
from tests.bot import Bot, Received, Reply


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


def post(bot: Bot, *, total_s: float = 15.0) -> None:
    HttpPoster(f"{bot.url}/hook", connections=1, total_s=total_s).post(b"body", {"X-Mine": "1"})


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_a_success(bot: Bot, status: int) -> None:
    bot.answers(status)

    post(bot)

    assert ["/hook"] == [received.path for received in bot.received]


def test_body_and_headers_arrive_unchanged(bot: Bot) -> None:
    post(bot)

    (received,) = bot.received
    assert b"body" == received.body
    assert "1" == received.headers["x-mine"]


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(bot: Bot, status: int) -> None:
    """R99, R101: else the body would be posted to an address that the operator never configured."""
    bot.answers(status, {"Location": f"{bot.url}/elsewhere"})

    with pytest.raises(RetryLater, match=str(status)):
        post(bot)

    assert ["/hook"] == [received.path for received in bot.received]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_another_status_asks_for_a_retry(bot: Bot, status: int) -> None:
    bot.answers(status)

    with pytest.raises(RetryLater) as failure:
        post(bot)

    assert (f"status {status}", None) == (str(failure.value), failure.value.wait)


def test_410_means_that_the_target_is_gone(bot: Bot) -> None:
    bot.answers(410)

    with pytest.raises(TargetGone):
        post(bot)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"Retry-After": "120"}, timedelta(minutes=2), id="seconds"),
        pytest.param(
            {
                "Date": "Fri, 20 Nov 2026 12:00:00 GMT",
                "Retry-After": "Fri, 20 Nov 2026 13:00:00 GMT",
            },
            timedelta(hours=1),
            id="a moment, by the other side's clock",
        ),
        pytest.param({"Retry-After": "999999999"}, timedelta(hours=24), id="longer than allowed"),
        pytest.param({"Retry-After": "9" * 5000}, None, id="far too many digits"),
        pytest.param({"Retry-After": "tomorrow"}, None, id="nonsense"),
    ],
)
def test_a_busy_bot_is_left_alone_as_long_as_it_asks(
    bot: Bot, headers: dict[str, str], wait: timedelta | None
) -> None:
    """R99: Retry-After is honoured, up to a day."""

    def busy(_: Received) -> Reply:
        return Reply(429, headers)

    bot.reply = busy

    with pytest.raises(RetryLater) as failure:
        post(bot)

    assert wait == failure.value.wait


def test_a_post_to_a_bot_that_hangs_times_out(bot: Bot) -> None:
    """R101: a total time limit, so that a bot cannot occupy a thread for as long as it likes."""
    bot.hangs()

    with pytest.raises(RetryLater):
        post(bot, total_s=0.2)


def test_a_post_to_a_bot_that_drips_times_out_all_the_same(bot: Bot) -> None:
    """R101: a byte now and then does not extend the total time limit."""
    bot.drips()

    with pytest.raises(RetryLater):
        post(bot, total_s=0.3)

    assert 1 == len(bot.received)


def test_a_slow_dns_lookup_asks_for_a_retry(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """R101: a name server that hangs must not occupy a thread for longer than a lease."""
    may_answer = threading.Event()
    look_up = socket.getaddrinfo

    def hang(*args: Any, **kwargs: Any) -> Any:
        may_answer.wait()
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    with pytest.raises(RetryLater, match="ConnectTimeoutError"):
        post(bot, total_s=0.2)
    may_answer.set()

    assert [] == bot.received


def test_a_connection_that_breaks_asks_for_a_retry(bot: Bot) -> None:
    bot.resets()

    with pytest.raises(RetryLater):
        post(bot)


def test_a_bot_that_cannot_be_reached_asks_for_a_retry() -> None:
    with bots.running() as gone:
        pass

    with pytest.raises(RetryLater, match="NewConnectionError"):
        post(gone)


def test_an_answer_that_is_too_long_is_not_read_to_its_end(bot: Bot) -> None:
    """R101: 64 KiB are read and discarded; the post has succeeded all the same."""
    bot.reply = lambda _: Reply(200, {}, b"x" * 1024 * 1024)

    post(bot)

    assert 1 == len(bot.received)


def test_a_proxy_of_the_environment_is_not_used(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """R101: a notice names people; only the operator's settings say where it is posted."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")

    post(bot)

    assert 1 == len(bot.received)


def test_the_repr_does_not_hold_the_path() -> None:
    poster = HttpPoster("https://bot.example/hooks/s3cr3t", connections=1)

    assert "HttpPoster('bot.example')" == repr(poster)


@pytest.mark.parametrize(
    "address",
    [
        "https://bot.example/hook?key=1",
        "http://127.0.0.1:3000/webhook",
        "http://[::1]:3000/",
        "http://10.1.2.3/hook",
        "http://100.116.75.39:3000/hook",
        "http://bot:3000/webhook",
    ],
)
def test_https_and_private_http_may_be_posted_to(address: str) -> None:
    assert address == bot_url(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://203.0.114.7/hook",
        "http://100.63.255.255/hook",
        "http://100.128.0.0/hook",
        "http://[2a00:1450::1]/hook",
        "http://0.0.0.0/",
        "ftp://bot.example/",
        "https://user:password@bot.example/",
        "https://",
        "https://bot.example/a b",
        "https://bot.example:port/",
        "bot.example",
    ],
)
def test_no_other_address_may_be_posted_to(address: str) -> None:
    """R101: over plain http, anybody on the way could read who is linked to whom."""
    with pytest.raises(SettingError):
        bot_url(address)

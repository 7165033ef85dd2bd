"""The programs of the documents, run as copied from there, hold against what strangers send."""

import hmac
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from app.infra import clock
from app.infra.network.standard_webhooks import headers_for
from app.infra.settings.parsing import webhook_secrets
from tests.accounts.password_endpoint import PROGRAMS, SECRET, example
from tests.docs.hostile_requests import (
    BODIES,
    Sign,
    cut_off,
    request,
    slow_clients,
    status_of,
    unsigned,
)
from tests.testing import test_threadlink_testing

ROOT: Final = Path(__file__).parents[2]
APP_SECRET: Final = "an app secret"
JANE: Final = json.dumps(
    {"username": "Jane@example.com", "password": "gravel teapot under nineteen"}
).encode()
NOTICE_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
DELIVERY: Final = json.dumps({"entry": [{"id": "1", "messaging": []}]}).encode()
# Names that objects of JavaScript have by themselves.
INHERITED: Final = ("constructor", "__proto__", "toString", "hasOwnProperty", "__defineGetter__")
REFUSED: Final = {400, 401, 403, 404, 411, 413, 414, 415, 422, 431, None}


def as_threadlink(body: bytes) -> Mapping[str, str]:
    """Sign as Threadlink does for the endpoint, and for the bot."""
    return headers_for("m-1", body, secrets=webhook_secrets(SECRET), at=clock.now())


def as_messenger(body: bytes) -> Mapping[str, str]:
    mac = hmac.new(APP_SECRET.encode(), body, "sha256").hexdigest()
    return {"X-Hub-Signature-256": f"sha256={mac}", "Content-Type": "application/json"}


@contextmanager
def bot(_tmp_path: Path) -> Iterator[int]:
    """Yield the port of examples/bot/bot.py, served by Flask as its first lines say."""
    settings = {
        "APP_SECRET": APP_SECRET,
        "PAGE_ACCESS_TOKEN": "a token",
        "THREADLINK_URL": "http://127.0.0.1:9",
        "THREADLINK_KEY": "a key",
        "BOT_WEBHOOK_SECRET": SECRET,
    }
    served = (
        "from werkzeug.serving import make_server; from bot import create_app\n"
        "server = make_server('127.0.0.1', 0, create_app(), threaded=True)\n"
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    with _python(served, ROOT / "examples/bot", settings) as port:
        yield port


@contextmanager
def shop(tmp_path: Path) -> Iterator[int]:
    """Yield the port of the shop of docs/testing.md."""
    test_threadlink_testing.example(tmp_path)
    served = (
        "from app.shop import Shop\n"
        f"server = Shop({APP_SECRET!r}, 'https://www.facebook.com')\n"
        "print(server.server_port, flush=True); server.serve_forever()"
    )
    with _python(served, tmp_path, {}) as port:
        yield port


@contextmanager
def _python(code: str, folder: Path, settings: Mapping[str, str]) -> Iterator[int]:
    process = subprocess.Popen(  # noqa: S603 - our own documentation
        [*test_threadlink_testing.APART, "-c", code],
        cwd=folder,
        env={**test_threadlink_testing.ENVIRONMENT, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        assert process.poll() is None, "the program has ended"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module", params=PROGRAMS)
def running_endpoint(request: pytest.FixtureRequest) -> Iterator[int]:
    """Yield the port of the endpoint of docs/authenticators.md."""
    with example(request.param) as url:
        yield int(re.findall(r":(\d+)/", url)[0])


@pytest.fixture
def endpoint(running_endpoint: int) -> Iterator[int]:
    """Yield the port of an endpoint that still lives at the end."""
    yield running_endpoint
    assert 200 == status_of(running_endpoint, request_to_endpoint(JANE))


def request_to_endpoint(body: bytes) -> bytes:
    return request("/", body, as_threadlink(body))


class TestEndpoint:
    def test_nothing_unsigned_ends_it(self, endpoint: int) -> None:
        """Whatever its length, encoding and headers are; the next sign-in works."""
        statuses = {status_of(endpoint, sent) for sent in unsigned("/", NOTICE_HEADERS)}
        statuses |= {status_of(endpoint, sent, goes_away=True) for sent in cut_off("/")}

        assert statuses <= REFUSED
        assert 403 in statuses

    def test_nothing_signed_ends_it(self, endpoint: int) -> None:
        """Threadlink signs what it is told to ask: any text that somebody types."""
        statuses = {
            name: status_of(endpoint, request_to_endpoint(body)) for name, body in BODIES.items()
        }

        assert {400, 401} >= {*statuses.values()}, statuses

    @pytest.mark.parametrize("name", INHERITED)
    def test_no_name_is_special(self, endpoint: int, name: str) -> None:
        """ASVS 15.3.6: with an object in the place of a map, this name ended the program."""
        body = json.dumps({"username": name, "password": "x"}).encode()

        assert 401 == status_of(endpoint, request_to_endpoint(body))

    @pytest.mark.parametrize("name", ["", "nobody"])
    def test_an_empty_password_is_nobody_s(self, endpoint: int, name: str) -> None:
        """The hash that stands for unknown names must let nobody in."""
        body = json.dumps({"username": name, "password": ""}).encode()

        assert 401 == status_of(endpoint, request_to_endpoint(body))

    def test_an_old_question_is_refused(self, endpoint: int) -> None:
        at = clock.now().replace(year=2020)
        old = headers_for("m-1", JANE, secrets=webhook_secrets(SECRET), at=at)

        assert 403 == status_of(endpoint, request("/", JANE, old))

    def test_slow_clients_keep_nobody_out(self, endpoint: int) -> None:
        with slow_clients(endpoint, "/"):
            assert 200 == status_of(endpoint, request_to_endpoint(JANE))


NOTICE: Final = json.dumps({"type": "link.refused", "data": {}}).encode()
META: Final = ("X-Hub-Signature-256",)
BACK: Final = (
    b"redirect_uri=https%3A%2F%2Fwww.facebook.com%2Fmessenger_platform%2Faccount_linking%2F%3F"
)


@pytest.mark.parametrize(
    ("program", "path", "headers", "sign", "genuine"),
    [
        pytest.param(bot, "/messenger", META, as_messenger, DELIVERY, id="bot, Messenger"),
        pytest.param(bot, "/notices", NOTICE_HEADERS, as_threadlink, NOTICE, id="bot, Threadlink"),
        pytest.param(shop, "/webhook", META, as_messenger, DELIVERY, id="shop"),
    ],
)
def test_a_webhook_of_the_documents_lives_on(  # noqa: PLR0913, PLR0917 - a row of the table
    program: Callable[[Path], AbstractContextManager[int]],
    path: str,
    headers: tuple[str, ...],
    sign: Sign,
    genuine: bytes,
    tmp_path: Path,
) -> None:
    """It refuses what is not signed; and whatever is, the next genuine request is taken."""

    def sent(body: bytes) -> bytes:
        return request(path, body, {"Content-Type": "application/json", **sign(body)})

    with program(tmp_path) as port:
        statuses = {status_of(port, message) for message in unsigned(path, headers)}
        statuses |= {status_of(port, message, goes_away=True) for message in cut_off(path)}
        for body in BODIES.values():
            status_of(port, sent(body))
        with slow_clients(port, path):
            taken = status_of(port, sent(genuine))

    assert statuses <= REFUSED
    assert 403 in statuses
    assert taken in {200, 204}


@pytest.fixture(scope="module")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with shop(tmp_path_factory.mktemp("shop")) as port:
        yield port


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"\xff=\xff",
        BACK + b"x%0d%0aSet-Cookie:a=b&username=jane%40example.com&password=correct+horse",
        BACK + b"&username=nobody&password=",
        b"a&" * 40_000,
    ],
    ids=["empty", "no UTF-8", "a header inside", "an unknown name without password", "many fields"],
)
def test_no_form_makes_the_shop_answer_what_it_should_not(running_shop: int, form: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert status_of(running_shop, request("/authorize", form, headers)) in {400, 422}

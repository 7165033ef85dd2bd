"""The clients of clients/ against the vectors that both are held to (R98)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from app.emulator.webhooks.signing import signed_headers
from tests.clients import api_stub
from tests.clients.api_stub import ApiStub
from tests.node import NODE
from threadlink_client import (
    SignatureError,
    Threadlink,
    ThreadlinkError,
    is_messengers,
    read_notice,
)
from threadlink_client.signatures import LONGEST_BODY

FOLDER: Final = Path(__file__).parents[2] / "clients"
VECTORS: Final = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
KEY: Final = "tlk_for_tests_alone"
SECONDS: Final = 60


def numbered(kind: str) -> pytest.MarkDecorator:
    names = [vector["name"] for vector in VECTORS[kind]]
    return pytest.mark.parametrize("number", range(len(names)), ids=names)


@pytest.fixture(scope="module")
def api() -> Iterator[ApiStub]:
    with api_stub.running(VECTORS["calls"]) as stub:
        yield stub


@pytest.fixture(scope="module")
def by_node(api: ApiStub) -> dict[str, Any]:
    """Return what clients/node/threadlink.mjs makes of the vectors, in their order."""
    done = subprocess.run(  # noqa: S603 - our own program
        [NODE, str(Path(__file__).with_name("use_vectors.mjs")), str(FOLDER), api.url, KEY],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@numbered("messenger")
def test_a_delivery_is_known_to_be_messengers_or_not(number: int, by_node: dict[str, Any]) -> None:
    """By both clients, over the bytes as they came."""
    vector = VECTORS["messenger"][number]

    is_one = is_messengers(vector["body"].encode(), vector["signature"], vector["secrets"])

    assert vector["is_messengers"] is is_one
    assert is_one is by_node["messenger"][number]


@numbered("notices")
def test_a_notice_is_known_to_be_threadlinks_or_not(number: int, by_node: dict[str, Any]) -> None:
    """R98: by both clients, within five minutes of its time."""
    vector = VECTORS["notices"][number]
    try:
        notice = read_notice(
            vector["body"].encode(), vector["headers"], vector["secret"], now=vector["now"]
        )
    except SignatureError:
        notice = None

    assert (json.loads(vector["body"]) if vector["is_threadlinks"] else None) == notice
    assert notice == by_node["notices"][number]


@numbered("calls")
def test_a_call_is_made_once_and_its_answer_read(
    number: int, api: ApiStub, by_node: dict[str, Any]
) -> None:
    """No redirect takes the key elsewhere, and for an id that is none nothing is asked."""
    vector = VECTORS["calls"][number]
    call = getattr(Threadlink(f"{api.url}/python/{number}", KEY), vector["call"])
    outcome: dict[str, Any] = {}
    try:
        outcome["result"] = call(*vector["arguments"])
    except ThreadlinkError as exc:
        outcome["error"] = {"status": exc.status, "type": exc.type}
        outcome |= {"names the key": True} if KEY in str(exc) else {}
    except ValueError:
        outcome["refused"] = True

    expected = {name: vector[name] for name in ("result", "error", "refused") if name in vector}
    asked = [vector["request"]] if "request" in vector else []
    assert [expected] * 2 == [outcome, by_node["calls"][number]]
    assert [asked] * 2 == [api.requests[f"{who}/{number}"] for who in ("python", "node")]
    assert {f"Bearer {KEY}"} >= api.keys


def test_the_vectors_are_signed_as_the_emulator_signs() -> None:
    """They would be worth nothing if they were signed in a way that is only theirs."""
    first = VECTORS["messenger"][0]

    headers = signed_headers(first["body"].encode(), first["secrets"][0])

    assert first["signature"] == headers["X-Hub-Signature-256"]


def test_what_is_too_long_is_nobodys(by_node: dict[str, Any]) -> None:
    secret = "an app secret"
    body = b"x" * (LONGEST_BODY + 1)

    assert is_messengers(body[1:], _signature(body[1:], secret), secret)
    assert not is_messengers(body, _signature(body, secret), secret)
    assert by_node["tooLong"] is False


def test_an_unreachable_server_is_an_error_that_names_no_key() -> None:
    with pytest.raises(ThreadlinkError) as caught:
        Threadlink("http://127.0.0.1:9", KEY, seconds=5).link("1", "2")

    assert caught.value.status is None
    assert KEY not in str(caught.value)


CUT: Final = b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}"


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0\r\n", CUT % 200, CUT % 500],
    ids=["none", "another protocol", "cut short", "a cut refusal"],
)
def test_half_an_answer_is_an_error_of_the_client(answer: bytes) -> None:
    """A bot that catches ThreadlinkError is not ended by a proxy that is stopped."""
    with api_stub.saying(answer) as url, pytest.raises(ThreadlinkError) as caught:
        Threadlink(url, KEY, seconds=5).link("1", "2")

    assert caught.value.status is None
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key"), [("file:///etc", "k"), ("", "k"), ("http://a", ""), ("http://a", "k\r\nX: y")]
)
def test_settings_that_lead_nowhere_are_refused_at_once(url: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"address|key"):
        Threadlink(url, key)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64!", "whsec_é"])
def test_a_secret_that_is_none_is_a_mistake_and_no_refusal(secret: str) -> None:
    """With an empty one, everybody could sign."""
    vector = VECTORS["notices"][1]

    with pytest.raises(ValueError, match="secret"):
        read_notice(vector["body"].encode(), vector["headers"], secret, now=vector["now"])


def _signature(body: bytes, secret: str) -> str:
    return signed_headers(body, secret)["X-Hub-Signature-256"]

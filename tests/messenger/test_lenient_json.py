from typing import Any

import msgspec
import pytest
from msgspec.json import Decoder

from app.messenger.lenient_json import NotJson, read_json

ANY: Decoder[Any] = Decoder()
RAW: Decoder[dict[str, msgspec.Raw]] = Decoder(dict[str, msgspec.Raw])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\ud83d"', "\ufffd"),
        (r'"\ude00"', "\ufffd"),
        (r'"\uD83D\n"', "\ufffd\n"),
        (r'"\ud83dx\ude00"', "\ufffdx\ufffd"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\ud83d\u0041"', "\ufffdA"),
        (r'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (r'"\\\ud83d"', "\\\ufffd"),
        (r'"\ud83d\\ude00"', "\ufffd\\ude00"),
    ],
)
def test_half_a_surrogate_pair_becomes_a_replacement_mark(written: str, read: str) -> None:
    """
    R48: a text cut in the middle of an emoji is JSON, and people send it.
    """
    assert read == read_json(ANY, written.encode())


def test_half_a_pair_does_no_harm_in_what_is_skipped() -> None:
    """
    The strict reader refuses the whole body for it, also where it does not decode.
    """
    content = read_json(RAW, rb'{"a": {"deep": ["\udc00"]}, "b": 1}')

    assert b"1" == bytes(content["b"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{} x",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":NaN}',
        b'{"a":{"b":-Infinity}}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":1.}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":"\n"}',
        b'{"a":"\x00"}',
        rb'{"a":"\q"}',
        rb'{"a":"\uZZZZ"}',
        rb'{"a":"\ud8"}',
        b'{"a":"\xff"}',
        b'{"a\xff":1}',
        b'{"a":"\xc0\x80"}',
        b'{"a":"\xed\xa0\x80"}',
        b"\x1f\x8b\x08\x00",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("decoder", [ANY, RAW], ids=["decoded", "skipped"])
def test_what_is_no_json_is_refused_wherever_it_stands(
    body: bytes,
    decoder: Decoder[Any],
) -> None:
    """
    R46: also in values that are skipped; and never an error of another kind.
    """
    with pytest.raises(NotJson):
        read_json(decoder, body)


def test_json_of_another_shape_is_told_apart() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_json(RAW, b"[1]")

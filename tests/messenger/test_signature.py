import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messenger.errors import BadSignature
from app.messenger.signature import check_signature

SAMPLES = Path(__file__).parents[1] / "samples" / "webhook"
VECTORS = json.loads((SAMPLES / "signatures.json").read_text())
SECRET = "60efff025951cddde78c8d03de52cc90"
BODY = b'{"object":"page","entry":[]}'


def signed(body: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    return f"{digest}={hmac.digest(secret.encode(), body, digest).hex()}"


GOOD = signed(BODY)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["file"])
def test_a_published_signature_is_accepted(vector: Mapping[str, str]) -> None:
    body = (SAMPLES / vector["file"]).read_bytes()

    signer = check_signature(body, vector["sha256"], app_secrets=[vector["secret"]])

    assert 0 == signer


def test_a_body_serialised_anew_is_refused() -> None:
    """
    R42: Meta signs the escapes that it sends. To parse the body and sign it serialised anew, as
    public connectors did, is to check another text.
    """
    body = (SAMPLES / "linked-escaped.json").read_bytes()
    rewritten = json.dumps(json.loads(body), separators=(",", ":")).encode()

    assert 0 == check_signature(body, signed(body), app_secrets=[SECRET])
    with pytest.raises(BadSignature):
        check_signature(rewritten, signed(body), app_secrets=[SECRET])


@pytest.mark.parametrize(
    "body",
    [
        "héé 😀".encode(),
        rb"h\u00e9 \/",
        b"a\r\nb\n",
        b"\n",
        b"",
        b"\x1f\x8b\x08\x00gzip",
        b'{"a":1,"a":2}',
        b"\xff\x00\xfe",
    ],
    ids=["emoji", "escapes", "CRLF", "newline", "empty", "gzip", "same key twice", "not text"],
)
def test_whatever_bytes_were_signed_verify(body: bytes) -> None:
    """
    R42: the check is over bytes, before anything reads them.
    """
    assert 0 == check_signature(body, signed(body), app_secrets=[SECRET])


@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_one_flipped_bit_of_the_body_fails(body: bytes, data: st.DataObject) -> None:
    """
    R42: anywhere in the body.
    """
    flipped = _flip(body, data.draw(st.integers(0, 8 * len(body) - 1)))

    with pytest.raises(BadSignature):
        check_signature(flipped, signed(body), app_secrets=[SECRET])


@given(st.integers(0, 255))
def test_one_flipped_bit_of_the_signature_fails(bit: int) -> None:
    """
    R42: anywhere in the signature.
    """
    flipped = _flip(bytes.fromhex(GOOD.removeprefix("sha256=")), bit)

    with pytest.raises(BadSignature):
        check_signature(BODY, f"sha256={flipped.hex()}", app_secrets=[SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        GOOD.removeprefix("sha256="),
        GOOD.replace("sha256", "SHA256"),
        GOOD.replace("sha256", "sha1"),
        GOOD.replace("=", ":"),
        f" {GOOD}",
        f"{GOOD} ",
        f"{GOOD}\n",
        GOOD.replace("=", "= "),
        GOOD[:-1],
        f"{GOOD}0",
        GOOD[:-1] + "g",
        GOOD[:-1] + "é",
        GOOD[:-1] + "٣",
        GOOD[:-2] + " 0",
        f"{GOOD},{GOOD}",
        f"{GOOD}, {GOOD}",
        f"sha1={'0' * 40},{GOOD}",
        "sha256=" + "\x00" * 64,
        "sha256=" + "\udcff" * 64,
        f'"{GOOD}"',
    ],
    ids=repr,
)
def test_a_header_of_another_form_is_refused(header: str | None) -> None:
    """
    R40: and never an error of another kind, which would be a 500.
    """
    with pytest.raises(BadSignature):
        check_signature(BODY, header, app_secrets=[SECRET])


@given(st.text())
def test_no_header_text_is_an_error_of_another_kind(header: str) -> None:
    """
    R40: the header is a stranger's.
    """
    with pytest.raises(BadSignature):
        check_signature(BODY, header, app_secrets=[SECRET])


def test_a_correct_sha1_signature_is_refused() -> None:
    """
    R41: SHA-1 alone proves nothing any more.
    """
    with pytest.raises(BadSignature):
        check_signature(BODY, signed(BODY, digest="sha1"), app_secrets=[SECRET])


def test_upper_case_hex_is_the_same_signature() -> None:
    """
    R40: Meta writes lower case; the number is the same.
    """
    header = "sha256=" + GOOD.removeprefix("sha256=").upper()

    assert 0 == check_signature(BODY, header, app_secrets=[SECRET])


@pytest.mark.parametrize(("secret", "place"), [("new", 0), ("old", 1)])
def test_the_signing_secret_is_told_during_rotation(secret: str, place: int) -> None:
    """
    R44: the operator wants to know when the previous secret was last used.
    """
    signer = check_signature(BODY, signed(BODY, secret), app_secrets=["new", "old"])

    assert place == signer


@pytest.mark.parametrize("app_secrets", [[], [""], ["", ""]], ids=["none", "empty", "two empty"])
def test_without_a_secret_nothing_is_accepted(app_secrets: list[str]) -> None:
    """
    R43: anybody can sign with an empty secret.
    """
    with pytest.raises(BadSignature):
        check_signature(BODY, signed(BODY, ""), app_secrets=app_secrets)


def test_an_empty_previous_secret_opens_no_door() -> None:
    """
    R43: a setting left blank during rotation is no secret.
    """
    with pytest.raises(BadSignature):
        check_signature(BODY, signed(BODY, ""), app_secrets=[SECRET, ""])


def _flip(content: bytes, bit: int) -> bytes:
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)

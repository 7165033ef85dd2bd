"""The proof that a server is this installation."""

import base64
import hmac

import pytest

from app.infra.network.installation_proof import (
    is_nonce,
    is_proof,
    is_proof_of_client,
    new_nonce,
    prove,
    prove_client,
)

URL = "https://link.shop.example"
NONCE = "n" * 43


def test_who_has_the_key_and_the_address_is_believed() -> None:
    proof = prove(NONCE, secret_key="ours", public_url=URL)

    assert is_proof(proof, NONCE, secret_keys=["ours"], public_url=URL)
    assert is_proof(proof, NONCE, secret_keys=["new", "ours"], public_url=URL)


@pytest.mark.parametrize(
    ("nonce", "keys", "url"),
    [
        ("m" * 43, ["ours"], URL),
        (NONCE, ["theirs"], URL),
        (NONCE, [], URL),
        (NONCE, ["ours"], "https://old.example"),
    ],
    ids=["another nonce", "another key", "no key", "another address"],
)
def test_nobody_else_is(nonce: str, keys: list[str], url: str) -> None:
    proof = prove(NONCE, secret_key="ours", public_url=URL)

    assert not is_proof(proof, nonce, secret_keys=keys, public_url=url)


@pytest.mark.parametrize(
    "text", ["", ".", "\u00e9" * 66, "a" * 66, f"{'s' * 22}.{'m' * 43}", NONCE]
)
def test_any_text_may_come_for_a_proof(text: str) -> None:
    assert not is_proof(text, NONCE, secret_keys=["ours"], public_url=URL)


def test_a_nonce_has_one_length_and_no_separators() -> None:
    """So that no question can be read as another one, nor as anything else that is signed."""
    assert is_nonce(new_nonce())
    assert new_nonce() != new_nonce()
    refused = ["", "n" * 42, "n" * 44, "n" * 42 + ".", "n" * 42 + "\u00e9", f"{NONCE}\n"]
    assert [] == [text for text in refused if is_nonce(text)]


def test_two_answers_to_one_question_do_not_tell_that_one_server_gave_them() -> None:
    """Else the machine behind a CDN could be found by asking every address for the same proof."""
    first, second = (prove(NONCE, secret_key="ours", public_url=URL) for _ in range(2))

    assert not set(first.split(".")) & set(second.split("."))


def test_the_key_is_used_for_nothing_else() -> None:
    """A proof is no MAC under SECRET_KEY itself, nor under a key that cookies are signed with."""
    salt, proof = prove(NONCE, secret_key="ours", public_url=URL).split(".")

    keys = [
        b"ours",
        *(hmac.digest(b"ours", f"threadlink {use}".encode(), "sha256") for use in USES),
    ]
    text = f"{NONCE}{salt}{URL}".encode()
    assert proof not in {_base64url(hmac.digest(key, text, "sha256")) for key in keys}


USES = ("authorization_code", "form_token", "throttle")


def _base64url(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def test_the_proof_of_an_address_is_of_that_one_alone_and_of_no_installation() -> None:
    """Else whoever passes our question on could answer it with the other header."""
    ours = {"secret_key": "ours", "public_url": URL}
    proof = prove_client(NONCE, address="192.0.2.7", **ours)

    def holds(address: str) -> bool:
        known = {"secret_keys": ["ours"], "public_url": URL}
        return is_proof_of_client(proof, NONCE, address=address, **known)  # type: ignore[arg-type]

    assert (True, False, False) == (holds("192.0.2.7"), holds("192.0.2.8"), holds(""))
    assert not is_proof(proof, NONCE, secret_keys=["ours"], public_url=URL)

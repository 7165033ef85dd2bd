"""Proof that the server at an address is this installation: that it has our SECRET_KEY.

The server is sent a nonce, and answers a message authentication code of it. The key is derived from
SECRET_KEY for this purpose alone, so the answer is of no use for anything else. PUBLIC_URL is part
of it: an address that we have given up cannot pass the question on to where we are now. A salt of
the server's is, too: else two answers to one nonce would tell that two addresses are one server.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final

HEADER: Final = "Threadlink-Proof"
# The same of the address by which the server counts who asks: who has the key can compare it with
# one, and nobody can read it.
CLIENT_HEADER: Final = "Threadlink-Client-Proof"
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROOF: Final = re.compile(r"([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{43}")


def new_nonce() -> str:
    """Return 256 random bits, as `is_nonce` accepts them."""
    return secrets.token_urlsafe(32)


def is_nonce(text: str) -> bool:
    """Return whether *text* has the shape of a nonce."""
    return _NONCE.fullmatch(text) is not None


def prove(nonce: str, *, secret_key: str, public_url: str) -> str:
    """Return the value of `HEADER` for *nonce*, which must be one."""
    return _proof(nonce, secrets.token_urlsafe(16), secret_key, public_url)


def is_proof(text: str, nonce: str, *, secret_keys: Iterable[str], public_url: str) -> bool:
    """Return whether *text* proves that its sender has one of *secret_keys*, and *public_url*."""
    if not (shape := _PROOF.fullmatch(text)):
        return False
    proofs = (_proof(nonce, shape[1], key, public_url) for key in secret_keys)
    return any(hmac.compare_digest(text, proof) for proof in proofs)


def prove_client(nonce: str, *, secret_key: str, public_url: str, address: str) -> str:
    """Return the value of `CLIENT_HEADER` for *nonce*, which was sent from *address*."""
    return prove(nonce, secret_key=secret_key, public_url=_with(public_url, address))


def is_proof_of_client(
    text: str, nonce: str, *, secret_keys: Iterable[str], public_url: str, address: str
) -> bool:
    """Return whether *text* proves that the server has taken *address* for the client's."""
    return is_proof(text, nonce, secret_keys=secret_keys, public_url=_with(public_url, address))


def _with(public_url: str, address: str) -> str:
    # No PUBLIC_URL has a space, so that this is the proof of no installation.
    return f"{public_url} {address}"


def _proof(nonce: str, salt: str, secret_key: str, public_url: str) -> str:
    key = hmac.digest(secret_key.encode(), b"threadlink installation_proof", "sha256")
    # Both have a fixed length, so no other three parts make the same text.
    mac = hmac.digest(key, f"{nonce}{salt}{public_url}".encode(), "sha256")
    return f"{salt}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

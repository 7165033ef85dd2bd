"""Random ids and tokens in the formats that Facebook uses."""

import base64
import secrets

# Measured on four captured tokens in public code: 82 bytes, of which these are the first two.
_TOKEN_START = b"\x01\x14"
_TOKEN_BYTES = 82


def account_linking_token() -> str:
    """Return a token of 110 characters that starts with AR."""
    content = _TOKEN_START + secrets.token_bytes(_TOKEN_BYTES - len(_TOKEN_START))
    return _base64url(content)


def message_id() -> str:
    """Return m_ and 86 characters, as in Send API answers of December 2024.

    https://github.com/fbsamples/messenger-platform-samples, in the folder postman
    """
    return f"m_{_base64url(secrets.token_bytes(64))}"


def trace_id() -> str:
    """Return an fbtrace_id of 23 characters, as in the same captures (older ones have 11)."""
    return f"A{_base64url(secrets.token_bytes(16))}"


def challenge() -> str:
    """Return the number that a webhook must echo."""
    return str(10**9 + secrets.randbelow(9 * 10**9))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

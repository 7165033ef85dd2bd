"""The parsers of settings' values.

An error says what is wrong with the value, and never contains it.
"""

import base64
import binascii
import ipaddress
import re
import ssl
import time
import unicodedata
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from app.infra.network.addresses import is_host, is_private, keeps_secrets
from app.infra.sorted_hashes import Malformed, SortedHashes

T = TypeVar("T")

# In bytes (standardwebhooks.com, "Signature scheme", read 2026-11).
LEAST_WEBHOOK_KEY: Final = 24
MOST_WEBHOOK_KEY: Final = 64


_LONGEST_ISSUER: Final = 255
_IN_ASCII: Final = "a host as xn--..., other characters as %C3%A9"
_BOT_URL: Final = f"must be like https://bot.example.com/path: no user, no #fragment; {_IN_ASCII}"


class SettingError(ValueError):
    """A setting cannot be used. The message ends a sentence that begins with the setting's name."""


def read_file(path: str) -> str:
    """Return the text of the file *path*, which a setting names.

    Raises:
        SettingError: It cannot be read.
    """
    text, problem = try_reading(path)
    if text is None:
        raise SettingError(f"names a file that {problem}")
    return text


def try_reading(path: str) -> tuple[str | None, str]:
    """Return the text of the file *path* and nothing, or None and why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8"), ""
    except FileNotFoundError:
        return None, "does not exist"
    except IsADirectoryError:
        return None, "is a folder"
    except PermissionError:
        return None, "may not be read by the user that runs this"
    except UnicodeDecodeError:
        return None, "is not UTF-8"
    except OSError as exc:
        return None, f"cannot be read ({exc.strerror})"


def plain(text: str) -> str:
    return text


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,64}", text):
        raise SettingError("must be digits")
    return text


def version(text: str) -> str:
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", text):
        raise SettingError('must look like "v26.0"')
    return text


def one_line(text: str, most: int) -> str:
    """Return *text*, which is one line of *most* characters at most, without spaces around it."""
    is_line = not any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text)
    if not is_line or not text.strip() or len(text) > most:
        raise SettingError(f"must be one line of {most} characters at most")
    return text.strip()


def hex_colour(text: str) -> str:
    # It is written into a stylesheet, so nothing else may pass.
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise SettingError('must look like "#1a7f4b"')
    return text.lower()


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from *least* to *most*."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise SettingError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser that accepts one of *allowed*, in any letter case."""
    by_lower = {word.lower(): word for word in allowed}

    def parse(text: str) -> str:
        if text.lower() not in by_lower:
            raise SettingError(f"must be one of {', '.join(allowed)}")
        return by_lower[text.lower()]

    return parse


def hash_list(text: str) -> SortedHashes:
    """Return the list of hashes in the file that *text* names, which looks like one."""
    hashes = SortedHashes(Path(text))
    try:
        hashes.check()
    except FileNotFoundError:
        raise SettingError("names a file that does not exist") from None
    except OSError:
        raise SettingError("names a file that cannot be read") from None
    except Malformed:
        raise SettingError(
            "names a file that is not a sorted list of SHA-1 hashes, as HASH:COUNT in each line"
        ) from None
    return hashes


def certificates(text: str) -> str:
    """Return *text*, which names a file of trusted certificates."""
    if not Path(text).is_file():
        raise SettingError("names no file")
    # Made like this, it trusts nobody beside those in the file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(text)
    except ssl.SSLError:
        raise SettingError("names a file that holds no certificate in PEM") from None
    except OSError:
        raise SettingError("names a file that cannot be read") from None
    ends = [str(certificate.get("notAfter")) for certificate in context.get_ca_certs()]
    if ends and all(ssl.cert_time_to_seconds(end) < time.time() for end in ends):
        raise SettingError("names a file whose certificates have all expired: get the new ones")
    return text


def endpoint(text: str) -> str:
    """Return *text* if it is an address to which secrets may be sent."""
    if not keeps_secrets(text):
        raise SettingError(
            "must be like https://login.example.com/path, http on this machine only: no user, no "
            f"#fragment; {_IN_ASCII}"
        )
    return text


def issuer(text: str) -> str:
    """Return *text* if it may be the issuer of an OpenID Connect provider."""
    if len(text) > _LONGEST_ISSUER or "?" in text:
        raise SettingError(
            f"must be an address without a query, {_LONGEST_ISSUER} characters at most"
        )
    return endpoint(text)


def scopes(text: str) -> str:
    """Return the scopes in *text* that a provider is asked for; openid is among them."""
    if "openid" not in text.split():
        raise SettingError('must hold "openid"')
    return " ".join(text.split())


def installed(extra: str, module: str, parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return *parse* for a setting that needs *module*, which the package's *extra* installs."""

    def parse_if_there(text: str) -> T:
        try:
            is_there = find_spec(module) is not None
        except ModuleNotFoundError:
            is_there = False
        if not is_there:
            raise SettingError(f"needs a package that is not installed: uv sync --extra {extra}")
        return parse(text)

    return parse_if_there


def yes_or_no(text: str) -> bool:
    """Return True for 1 and False for 0."""
    if text not in {"0", "1"}:
        raise SettingError("must be 0 or 1")
    return text == "1"


def bot_url(text: str) -> str:
    """Return *text* if it is an address to which requests may be posted (R101).

    The IP address of a host name is checked later, at each connection by http.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise SettingError(_BOT_URL) from None
    is_plain = parts.scheme in {"http", "https"} and parts.username is None
    if not is_plain or not is_host(parts.hostname or ""):
        raise SettingError(_BOT_URL)
    if not re.fullmatch(r"[\x21-\x7e]+", text) or "#" in text or "\\" in text:
        raise SettingError(_BOT_URL)
    if parts.scheme == "http" and _is_public(parts.hostname or ""):
        raise SettingError("must be https: http is for this machine and private networks")
    return text


def _is_public(host: str) -> bool:
    try:
        return not is_private(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return False


def webhook_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys in *text*: words of ``whsec_`` and base64 of 24 to 64 bytes."""
    return tuple(_webhook_secret(word) for word in words(text))


def _webhook_secret(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not word.startswith("whsec_") or not LEAST_WEBHOOK_KEY <= len(key) <= MOST_WEBHOOK_KEY:
        raise SettingError(
            f'must be "whsec_" and base64 of {LEAST_WEBHOOK_KEY} to {MOST_WEBHOOK_KEY} bytes'
        )
    return key


def sentry_dsn(text: str) -> str:
    """Return *text* if it is the DSN of a Sentry project."""
    try:
        parts = urlsplit(text)
        is_dsn = parts.scheme in {"http", "https"} and parts.username and parts.hostname
        _ = parts.port
    except ValueError:
        is_dsn = False
    if not is_dsn or not re.search(r"/[0-9]+$", parts.path):
        raise SettingError("must be like https://KEY@sentry.example.com/1")
    return text

"""Settings that production refuses: unsafe addresses, the demo's secrets, short keys.

Each function returns the errors that it found, as whole sentences.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from app.infra.network.addresses import is_loopback
from app.infra.network.meta_addresses import GRAPH_URL

# In the secrets that `threadlink demo` makes.
DEMO_MARK: Final = "demo_"
LEAST_SECRET: Final = 32


def unsafe_addresses(addresses: Mapping[str, Iterable[str]]) -> list[str]:
    """Return an error for each setting with an address that is not https, or is this machine.

    *addresses* are by the name of the setting.
    """
    return [
        f"{name} must be https, and not this machine, unless PUBLIC_URL is http://127.0.0.1"
        for name, values in addresses.items()
        if any(not value.startswith("https://") or is_loopback(value) for value in values)
    ]


def untrusted_graph(graph_url: str, trusted_host: str | None) -> list[str]:
    """Return an error if *graph_url* is neither Meta's nor at *trusted_host*.

    All tokens are sent there.
    """
    if graph_url == GRAPH_URL or urlsplit(graph_url).netloc == trusted_host:
        return []
    return ["GRAPH_URL is not Meta's: to allow it, set GRAPH_URL_TRUSTED to its host"]


def demo_secrets(secrets: Mapping[str, str]) -> list[str]:
    """Return an error for each of *secrets*, by name, that `threadlink demo` has made."""
    return [f"{name} is from the demo" for name, secret in secrets.items() if DEMO_MARK in secret]


def short_keys(keys: Iterable[str]) -> list[str]:
    """Return an error if one of *keys*, the current or an older SECRET_KEY, is too short."""
    if all(len(key) >= LEAST_SECRET for key in keys):
        return []
    how_to = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    return [f"SECRET_KEY is shorter than {LEAST_SECRET} characters: make one with {how_to}"]

"""Settings that production refuses: unsafe addresses, the demo's secrets, short keys.

Each function returns the errors that it found, as whole sentences.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.engine import URL

from app.infra.network.addresses import is_loopback
from app.infra.network.meta_addresses import GRAPH_URL
from app.infra.settings.invitations import M_ME_URLS
from app.infra.settings.languages import PSEUDO, Languages

# In the secrets that `threadlink demo` makes.
DEMO_MARK: Final = "demo_"
LEAST_SECRET: Final = 32
# The modes in which libpq never falls back to a connection without TLS
# (postgresql.org/docs/current/libpq-ssl.html, read 2026-11).
_WITH_TLS: Final = frozenset({"require", "verify-ca", "verify-full"})
_WITHOUT_TLS: Final = "disable"
LEAST_TOKEN: Final = 16
# Of 16 random digits in hex, fewer are different once in 25,000 times.
LEAST_VARIETY: Final = 6


def unsafe_public_url(public_url: str) -> list[str]:
    """Return an error if *public_url* is neither for production nor for this machine alone."""
    here = "for development on this machine it is like http://127.0.0.1:8000"
    if not public_url.startswith("https://"):
        return [f"PUBLIC_URL must begin with https://: Messenger comes by no other way; {here}"]
    if is_loopback(public_url):
        return [f"PUBLIC_URL must not name this machine with https://: {here}"]
    return []


def unsafe_addresses(addresses: Mapping[str, Iterable[str]]) -> list[str]:
    """Return an error for each setting with an address that is not https, or is this machine.

    *addresses* are by the name of the setting.
    """
    return [
        f"{name} must be https, and not this machine, since PUBLIC_URL is for everybody"
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


def foreign_m_me_url(url: str) -> list[str]:
    """Return an error if *url* leads people into no chat of Messenger's."""
    if url in M_ME_URLS:
        return []
    return [f"M_ME_URL must be {' or '.join(M_ME_URLS)}"]


def languages_for_tests(languages: Iterable[Languages]) -> list[str]:
    """Return an error if any of *languages* offer one that nobody speaks."""
    if all(offered.is_shown_to_all for offered in languages):
        return []
    return [f"LANGUAGES names {PSEUDO}, which nobody speaks: it is for tests on this machine"]


def weak_keys(keys: Iterable[str]) -> list[str]:
    """Return an error if one of *keys*, the current or an older SECRET_KEY, may be guessed."""
    how_to = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    for key in keys:
        if len(key) < LEAST_SECRET:
            return [f"SECRET_KEY is shorter than {LEAST_SECRET} characters: make one with {how_to}"]
        if not _is_varied(key):
            return [f"SECRET_KEY repeats a few characters: make one with {how_to}"]
    return []


def undecided_tls(database: URL) -> list[str]:
    """Return an error if *database* is elsewhere and may be spoken to with or without TLS.

    The address alone counts: libpq's own variables (PGSSLMODE) are not the same for each process.
    """
    if not _is_elsewhere(database) or _sslmode(database) in {*_WITH_TLS, _WITHOUT_TLS}:
        return []
    choices = (
        "sslmode=verify-full&sslrootcert=system (or a file) encrypts and checks who answers, "
        "sslmode=require encrypts, sslmode=disable is for a network that is yours alone"
    )
    return [f"DATABASE_URL is not of this machine and needs a sslmode that decides: {choices}"]


def is_without_tls(database: URL) -> bool:
    """Tell whether the operator has chosen that *database*, elsewhere, is spoken to in clear."""
    return _is_elsewhere(database) and _sslmode(database) == _WITHOUT_TLS


def _sslmode(database: URL) -> str:
    """Return the mode that the address names, or nothing if it names none or several."""
    given = database.normalized_query.get("sslmode", ())
    return given[0] if len(given) == 1 else ""


def _is_elsewhere(database: URL) -> bool:
    if database.get_backend_name() == "sqlite":
        return False
    query = database.normalized_query
    # A service stands in a file of libpq's, with a host of its own.
    return "service" in query or not all(
        _is_here(host)
        for given in (database.host or "", *query.get("host", ()), *query.get("hostaddr", ()))
        for host in given.split(",")
    )


def _is_here(host: str) -> bool:
    """Tell whether *host*, perhaps with a port, is a socket of this machine or its loopback."""
    if not host or host.startswith(("/", "@")):
        return True
    bare = host if host.count(":") > 1 and not host.startswith("[") else f"//{host}"
    return host == "::1" or is_loopback(bare)


def weak_tokens(tokens: Mapping[str, str | None]) -> list[str]:
    """Return an error for each of *tokens*, by name, that may be guessed; None is not set."""
    how_to = "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
    return [
        f"{name} is shorter than {LEAST_TOKEN} characters, or repeats a few: make one with {how_to}"
        for name, token in tokens.items()
        if token is not None and (len(token) < LEAST_TOKEN or not _is_varied(token))
    ]


def _is_varied(secret: str) -> bool:
    """Return whether *secret* may be random: of few characters, or a repetition, it is not."""
    is_repetition = secret in (secret * 2)[1:-1]
    return len(set(secret)) >= LEAST_VARIETY and not is_repetition

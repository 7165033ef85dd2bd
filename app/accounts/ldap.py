"""A directory that knows people and their passwords: docs/authenticators.md.

Found by a search, proven by a bind (RFC 4511, RFC 4513). This module loads ldap3, which takes a
while: it is imported only where a directory is named in the settings.

Why ldap3, whose last stable release (2.9.1) is of 2021: looked at again in November 2026,
python-ldap 3.4.8 and bonsai 1.5.5 are kept up, and neither has a wheel for Linux, so each would ask
for a compiler, OpenLDAP's headers and its library on every machine. Its own next
release is a candidate (2.10.2rc4). Little of it is trusted: it builds questions and reads answers;
time, size and TLS are ours, and tests/accounts/test_ldap_hostile.py answers it by hand.
"""

import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID, uuid4

from ldap3 import DEREF_NEVER, NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from pyasn1.error import PyAsn1Error

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.identity import Identity, is_possible, masked
from app.accounts.ldap_settings import LdapSettings
from app.accounts.passwords import MAXIMUM
from app.accounts.upstream import MOST_BYTES, Queue
from app.infra.network.http_client import CONNECT_S, Deadline

TOTAL_S: Final = 6.0
LONGEST_NAME: Final = 254

_SUCCESS: Final = 0
_SIZE_LIMIT_EXCEEDED: Final = 4
# RFC 4511, appendix A: constraintViolation (locked, in some), noSuchObject, inappropriate-
# Authentication (no password), invalidCredentials, unwillingToPerform (disabled, in some).
_REFUSED: Final = frozenset({19, 32, 48, 49, 53})
# On bytes that are no LDAP the decoder fails with whatever meets it first.
_BROKEN: Final = (
    LDAPException,
    PyAsn1Error,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
_LONGEST_SHOWN: Final = 200

_Entry = dict[str, Any]


class LdapAuthenticator:
    """Proves who somebody is by the directory in *settings*. Any thread may use it.

    Each try has a connection of its own, since a bind changes who a connection is.
    """

    def __init__(self, settings: LdapSettings, *, total_s: float = TOTAL_S) -> None:
        self._settings = settings
        self._total_s = total_s
        self._queue = Queue()
        self._tls = _VerifiedTls(settings.ca_file) if settings.is_encrypted else None

    def verify(self, username: str, password: str) -> Identity:
        """Return who *username* is, if the directory takes *password* for the one entry it has.

        Raises:
            CredentialsRefused: It does not, it has no such entry or several, or nobody can have
                such a name or password.
            AuthenticatorUnavailable: It cannot be asked, or its answer is not usable.
        """
        # An empty password must not get as far as a bind, which it would make anonymous, and which
        # would then succeed (RFC 4513, 5.1.2).
        if not is_possible(password, MAXIMUM) or not _is_one_name(username):
            raise CredentialsRefused
        try:
            with self._queue.joined(), self._connection() as connection:
                entry = self._found(connection, username)
                dn = entry["dn"] if entry else f"cn={uuid4()},{self._settings.base}"
                # Without an entry as well: so both ways take as many questions (R59).
                right = self._takes(connection, dn, password)
        except _BROKEN as exc:
            # The text of *exc* may quote names and what the directory said. `from None`, too.
            raise AuthenticatorUnavailable(type(exc).__name__) from None
        if entry is None or not right:
            raise CredentialsRefused
        return self._identity(entry["raw_attributes"], username)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Yield a connection that may search, and that ends in time whatever the peer does."""
        deadline, settings = Deadline(self._total_s), self._settings
        server = Server(
            settings.url,
            tls=self._tls,
            get_info=NONE,
            connect_timeout=min(CONNECT_S, self._total_s / 2),
            allowed_referral_hosts=[],
        )
        connection = Connection(server, auto_referrals=False, check_names=False)
        try:
            connection.open(read_server_info=False)
            connection.socket = _Bounded(connection.socket, deadline)
            if self._tls is not None and not server.ssl:
                connection.start_tls(read_server_info=False)
            if settings.bind_dn and not self._takes(
                connection, settings.bind_dn, settings.bind_password
            ):
                raise AuthenticatorUnavailable("the directory refused the BIND_DN")
            yield connection
        finally:
            # Not by ldap3: after a failure it takes an open socket for a closed one.
            if connection.socket is not None:
                connection.socket.close()

    def _found(self, connection: Connection, username: str) -> _Entry | None:
        """Return the one entry of *username*; None where there is none, or more than one."""
        settings = self._settings
        # The name may hold what a filter is written with (RFC 4515, 3).
        connection.search(
            settings.base,
            settings.filter.replace("{username}", escape_filter_chars(username)),
            search_scope=SUBTREE,
            dereference_aliases=DEREF_NEVER,
            attributes=[one for one in (settings.subject, settings.name_attribute) if one],
            size_limit=2,
        )
        code = connection.result["result"]
        if code not in {_SUCCESS, _SIZE_LIMIT_EXCEEDED}:
            raise AuthenticatorUnavailable(f"search: result {code}")
        # References to other servers stand among the entries; they are not followed. Nor is an
        # entry without a name asked: to bind without one is to be anonymous (RFC 4513, 5.1.1).
        found = (one for one in connection.response if one["type"] == "searchResEntry")
        entries = [one for one in found if one["dn"]]
        return entries[0] if code == _SUCCESS and len(entries) == 1 else None

    def _takes(self, connection: Connection, dn: str, password: str) -> bool:
        """Tell whether *password* is right for *dn*."""
        # As bytes: text would be prepared (RFC 4013), and then be another password.
        connection.rebind(user=dn, password=password.encode(), authentication=SIMPLE)
        code = connection.result["result"]
        if code != _SUCCESS and code not in _REFUSED:
            raise AuthenticatorUnavailable(f"bind: result {code}")
        return bool(code == _SUCCESS)

    def _identity(self, attributes: dict[str, list[bytes]], username: str) -> Identity:
        values = attributes.get(self._settings.subject, [])
        try:
            (value,) = values
            is_guid = self._settings.subject == "objectGUID"
            # Microsoft writes the first three parts backwards ([MS-DTYP] 2.3.4.2).
            subject = str(UUID(bytes_le=value) if is_guid else UUID(value.decode("ascii")))
        except ValueError:
            raise AuthenticatorUnavailable(f"an entry without {self._settings.subject}") from None
        named = attributes.get(self._settings.name_attribute or "", [])
        name = named[0].decode(errors="replace") if named else username
        return Identity(f"ldap:{self._settings.name}", subject, masked(name[:_LONGEST_SHOWN]))


class _VerifiedTls(Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS as Python verifies it; ldap3 would compare host names with a copy of old code."""

    def __init__(self, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = ssl.create_default_context(cafile=ca_file)

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - ldap3's signature; always shaken
        host, below = connection.server.host, connection.socket
        if isinstance(below, _Bounded):  # StartTLS
            connection.socket = below.encrypted(self._context, host)
        else:
            connection.socket = self._context.wrap_socket(below, server_hostname=host)


class _Bounded:
    """A socket whose answers end in time and are not endless."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock, self._deadline, self._left = sock, deadline, MOST_BYTES

    def encrypted(self, context: ssl.SSLContext, host: str) -> "_Bounded":
        """Return the same way, by TLS from here on."""
        self._hurry()
        return _Bounded(context.wrap_socket(self._sock, server_hostname=host), self._deadline)

    def recv(self, size: int) -> bytes:
        self._hurry()
        data: bytes = self._sock.recv(size)
        self._left -= len(data)
        if not data or self._left < 0:
            raise ConnectionError
        return data

    def sendall(self, data: bytes) -> None:
        self._hurry()
        self._sock.sendall(data)

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()

    def _hurry(self) -> None:
        left_s = self._deadline.left_s()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)


def _is_one_name(name: str) -> bool:
    """Tell whether *name* has no other spelling that a directory takes for the same.

    It skips what is not seen and counts several spaces as one (RFC 4518, 2.2 and 2.6.1), so each
    name could be guessed at under many, and throttled under none.
    """
    unseen = any(unicodedata.category(char)[0] == "C" for char in name)
    return is_possible(name, LONGEST_NAME) and not unseen and name.split() == name.split(" ")

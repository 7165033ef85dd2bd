"""Sign-in by an LDAP directory (docs/authenticators.md, "ldap").

An entry is found by a search and proven by a bind (RFC 4511, RFC 4513). This module loads ldap3,
which is slow: it is imported only if the settings name a directory.

ldap3 is used although its last stable release (2.9.1) is of 2021: as of November 2026, python-ldap
3.4.8 and bonsai 1.5.5 are maintained, but neither has a wheel for Linux, so each would need a
compiler, OpenLDAP's headers and its library on every machine. ldap3's next release is a candidate
(2.10.2rc4). Little of it is trusted: it encodes requests and decodes responses; time, size and TLS
are bounded here, and tests/accounts/test_ldap_hostile.py holds that against a hostile server.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID, uuid4

from ldap3 import DEREF_NEVER, NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.utils.conv import escape_filter_chars

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    CredentialsRefused,
)
from app.accounts.identity import Identity, is_possible, is_possible_name, masked
from app.accounts.ldap_errors import BROKEN, bind_failure, failure, refusal, search_failure
from app.accounts.ldap_settings import LdapSettings
from app.accounts.passwords import MAXIMUM
from app.accounts.upstream import MOST_BYTES, ConcurrencyLimit
from app.infra.network.egress import DIRECT, Egress, directory_context
from app.infra.network.http_client import CONNECT_S, Deadline

TOTAL_S: Final = 6.0
LONGEST_NAME: Final = 254

_SUCCESS: Final = 0
_SIZE_LIMIT_EXCEEDED: Final = 4
# RFC 4511, appendix A: constraintViolation (locked, in some), noSuchObject, inappropriate-
# Authentication (no password), invalidCredentials, unwillingToPerform (disabled, in some).
_REFUSED: Final = frozenset({19, 32, 48, 49, 53})
_LONGEST_SHOWN: Final = 200

_Entry = dict[str, Any]


class LdapAuthenticator:
    """Checks passwords in the directory of *settings*. Threads may share it.

    Each sign-in has a connection of its own, since a bind changes a connection's identity.
    """

    def __init__(
        self, settings: LdapSettings, *, egress: Egress = DIRECT, total_s: float = TOTAL_S
    ) -> None:
        self._settings = settings
        self._total_s = total_s
        self._limit = ConcurrencyLimit()
        self._tls = tls_for(settings, egress)

    def verify(self, username: str, password: str) -> Identity:
        """Return the identity of *username* if the directory accepts *password* for its entry.

        Raises:
            CredentialsRefused: The directory refuses the password; it has no such entry, or
                several; or the two are not possible as a name or password.
            AuthenticatorUnavailable: The directory does not answer in time, or not usably.
        """
        # An empty password must never reach a bind: it would make the bind anonymous, and that
        # would succeed (RFC 4513, 5.1.2).
        if not _is_one_name(username):
            raise CredentialsRefused("no_such_account")
        if not is_possible(password, MAXIMUM):
            raise CredentialsRefused("wrong_password")
        settings = self._settings
        try:
            with (
                self._limit.slot(),
                connected(settings, self._tls, total_s=self._total_s) as connection,
            ):
                self._bind_for_search(connection)
                entry = self._search(connection, username)
                dn = entry["dn"] if entry else f"cn={uuid4()},{settings.base}"
                # Without an entry as well: both cases take the same number of requests (R59).
                is_right = bind(connection, dn, password)
                answer = connection.result
        except BROKEN as exc:
            # The text of *exc* may quote names and the directory's answer.
            raise failure(exc) from None
        if entry is None:
            raise CredentialsRefused("no_such_account")
        if not is_right:
            raise refusal(answer)
        return self._identity(entry["raw_attributes"], username)

    def _bind_for_search(self, connection: Connection) -> None:
        settings = self._settings
        if settings.bind_dn and not bind(connection, settings.bind_dn, settings.bind_password):
            raise AuthenticatorMisconfigured(
                "the directory refused the BIND_DN",
                code=refusal(connection.result).code,
                fix="correct LDAP_<NAME>_BIND_DN and LDAP_<NAME>_BIND_PASSWORD",
            )

    def _search(self, connection: Connection, username: str) -> _Entry | None:
        """Return the only entry of *username*; None if there is none, or more than one."""
        settings = self._settings
        # The name may hold characters of the filter syntax (RFC 4515, 3).
        connection.search(
            settings.base,
            settings.filter.replace("{username}", escape_filter_chars(username)),
            search_scope=SUBTREE,
            dereference_aliases=DEREF_NEVER,
            attributes=[name for name in (settings.subject, settings.name_attribute) if name],
            size_limit=2,
        )
        code = connection.result["result"]
        if code not in {_SUCCESS, _SIZE_LIMIT_EXCEEDED}:
            raise search_failure(code)
        # The response may also have references to other servers, which are not followed. An entry
        # without a name is skipped: a bind without one is anonymous (RFC 4513, 5.1.1).
        results = (item for item in connection.response if item["type"] == "searchResEntry")
        entries = [entry for entry in results if entry["dn"]]
        return entries[0] if code == _SUCCESS and len(entries) == 1 else None

    def _identity(self, attributes: dict[str, list[bytes]], username: str) -> Identity:
        values = attributes.get(self._settings.subject, [])
        try:
            (value,) = values
            is_guid = self._settings.subject == "objectGUID"
            # Microsoft stores the first three parts little-endian ([MS-DTYP] 2.3.4.2).
            subject = str(UUID(bytes_le=value) if is_guid else UUID(value.decode("ascii")))
        except ValueError:
            raise AuthenticatorMisconfigured(
                f"an entry without {self._settings.subject}",
                fix="correct LDAP_<NAME>_SUBJECT, or let LDAP_<NAME>_BIND_DN read it",
            ) from None
        names = attributes.get(self._settings.name_attribute or "", [])
        name = names[0].decode(errors="replace") if names else username
        return Identity(
            f"ldap:{self._settings.name}",
            subject,
            masked(name[:_LONGEST_SHOWN]),
            known_as=(username,),
        )


@contextmanager
def connected(settings: LdapSettings, tls: Tls | None, *, total_s: float) -> Iterator[Connection]:
    """Yield a connection, with *tls*, that ends in time even if the server hangs.

    Raises:
        AuthenticatorUnavailable: TLS cannot be begun; AuthenticatorMisconfigured if that is for
            the server's certificate.
    """
    deadline = Deadline(total_s)
    server = Server(
        settings.url,
        tls=tls,
        get_info=NONE,
        connect_timeout=min(CONNECT_S, total_s / 2),
        allowed_referral_hosts=[],
    )
    connection = Connection(server, auto_referrals=False, check_names=False)
    try:
        connection.open(read_server_info=False)
        connection.socket = _BoundedSocket(connection.socket, deadline)
        if tls is not None and not server.ssl:
            connection.start_tls(read_server_info=False)
        yield connection
    except BROKEN:
        if hasattr(connection, "outage"):
            raise connection.outage from None
        raise
    finally:
        # Not by ldap3, which after a failure takes an open socket for a closed one.
        if connection.socket is not None:
            connection.socket.close()


def tls_for(settings: LdapSettings, egress: Egress) -> Tls | None:
    """Return TLS with verification; None where *settings* want none."""
    context = directory_context(egress, settings.ca_file)
    return _VerifiedTls(context) if settings.is_encrypted else None


def bind(connection: Connection, dn: str, password: str) -> bool:
    """Return whether the directory accepts *password* for *dn*."""
    # As bytes: ldap3 would prepare text (RFC 4013), and so change the password.
    connection.rebind(user=dn, password=password.encode(), authentication=SIMPLE)
    code = connection.result["result"]
    if code != _SUCCESS and code not in _REFUSED:
        raise bind_failure(code)
    return bool(code == _SUCCESS)


class _VerifiedTls(Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS with Python's own verification; ldap3 has an outdated copy of the host name check."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - ldap3's signature; the handshake is always done
        host, sock = connection.server.host, connection.socket
        try:
            if isinstance(sock, _BoundedSocket):  # StartTLS
                connection.socket = sock.encrypted(self._context, host)
            else:
                connection.socket = self._context.wrap_socket(sock, server_hostname=host)
        except OSError as exc:
            # ldap3 keeps the text of the error alone, and not its kind.
            connection.outage = failure(exc)
            raise


class _BoundedSocket:
    """A socket with a deadline, and a limit on the bytes that it receives."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock, self._deadline, self._left = sock, deadline, MOST_BYTES

    def encrypted(self, context: ssl.SSLContext, host: str) -> "_BoundedSocket":
        """Return this connection with TLS from here on."""
        self._set_timeout()
        return _BoundedSocket(context.wrap_socket(self._sock, server_hostname=host), self._deadline)

    def recv(self, size: int) -> bytes:
        self._set_timeout()
        data: bytes = self._sock.recv(size)
        self._left -= len(data)
        if not data or self._left < 0:
            raise ConnectionError
        return data

    def sendall(self, data: bytes) -> None:
        self._set_timeout()
        self._sock.sendall(data)

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()

    def _set_timeout(self) -> None:
        left_s = self._deadline.left_s()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)


def _is_one_name(name: str) -> bool:
    """Return whether *name* has no spaces that a directory ignores (RFC 4518, 2.6.1)."""
    return is_possible_name(name, LONGEST_NAME) and name.split() == name.split(" ")

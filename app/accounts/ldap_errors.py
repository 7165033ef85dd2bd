"""The failures and refusals of a directory: which of our exceptions each one is, and its fix.

Nothing that a directory says gets into them but its numbers: texts of errors quote names.
"""

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError, LDAPStartTLSError
from pyasn1.error import PyAsn1Error

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    CredentialsRefused,
    Refusal,
)
from app.accounts.upstream import outage
from app.infra.network.certificate_faults import certificate_fault

# On malformed bytes ldap3's decoder raises any of these.
BROKEN: Final = (
    LDAPException,
    PyAsn1Error,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
# RFC 4511, appendix A: referral, noSuchObject, invalidDNSyntax, insufficientAccessRights, of a
# search; Active Directory says operationsError where it wants a bind first.
NO_SUCH_BASE: Final = frozenset({10, 32, 34})
_NOT_SHOWN: Final = frozenset({1, 50}) | NO_SUCH_BASE
# strongerAuthRequired, confidentialityRequired, and again invalidDNSyntax, of a bind.
_BIND_FIXES: Final[Mapping[int, str]] = {
    8: "encrypt: ldaps:// in LDAP_<NAME>_URL, or StartTLS by LDAP_<NAME>_CA_FILE",
    13: "encrypt: ldaps:// in LDAP_<NAME>_URL, or StartTLS by LDAP_<NAME>_CA_FILE",
    34: "correct LDAP_<NAME>_BIND_DN",
}
_OF_LDAP: Final[Mapping[int, Refusal]] = {32: "no_such_account", 49: "wrong_password"}
# Active Directory's diagnostic message of a bind: "… AcceptSecurityContext error, data 52e, v…",
# with a number of [MS-ERREF] 2.2 in hexadecimal: ERROR_NO_SUCH_USER, _LOGON_FAILURE,
# _INVALID_LOGON_HOURS, _INVALID_WORKSTATION, _PASSWORD_EXPIRED, _ACCOUNT_DISABLED,
# _ACCOUNT_EXPIRED, _PASSWORD_MUST_CHANGE, _ACCOUNT_LOCKED_OUT.
_AD_DATA: Final = re.compile(r"\bdata ([0-9a-fA-F]{1,8})\b")
_OF_AD: Final[Mapping[int, Refusal]] = {
    0x525: "no_such_account",
    0x52E: "wrong_password",
    0x530: "unspecified",
    0x531: "unspecified",
    0x532: "expired",
    0x533: "disabled",
    0x701: "expired",
    0x773: "must_change",
    0x775: "locked",
}
_LONGEST_READ: Final = 200
_WITHOUT_NAME: Final = "invalid server address"
_URL: Final = "LDAP_<NAME>_URL"
_TLS: Final = f"{_URL}: ldaps:// for port 636, ldap:// with StartTLS for 389"
# The first that fits counts.
_FAILURES: Final[
    Sequence[tuple[tuple[type[Exception], ...], type[AuthenticatorUnavailable], str, str]]
] = (
    (
        (LDAPInvalidFilterError,),
        AuthenticatorMisconfigured,
        "search: the filter is none of RFC 4515",
        "correct LDAP_<NAME>_FILTER",
    ),
    (
        # As well by a load balancer without a directory behind it.
        (ssl.SSLEOFError, ConnectionResetError),
        AuthenticatorUnavailable,
        "ends the connection: it does not speak TLS there, or is down",
        _TLS,
    ),
    (
        (ssl.SSLError, LDAPStartTLSError),
        AuthenticatorMisconfigured,
        "does not speak TLS there, or none that is good enough",
        _TLS,
    ),
    (
        (ConnectionRefusedError,),
        AuthenticatorUnavailable,
        "refuses connections: nothing listens at its port",
        f"start it, or correct {_URL}",
    ),
    (
        (TimeoutError,),
        AuthenticatorUnavailable,
        "does not answer in time",
        f"a firewall on the way; {_URL}",
    ),
)


def refusal(answer: Mapping[str, Any]) -> CredentialsRefused:
    """Return the refusal of a bind, with Active Directory's number if it has sent a known one."""
    found = _AD_DATA.search(str(answer.get("message", ""))[:_LONGEST_READ])
    if found and (data := int(found[1], 16)) in _OF_AD:
        return CredentialsRefused(_OF_AD[data], code=data)
    code = answer["result"]
    return CredentialsRefused(_OF_LDAP.get(code, "unspecified"), code=code)


def bind_failure(code: int) -> AuthenticatorUnavailable:
    """Return the failure of a bind that ended with *code* and says nothing of the password."""
    reason = f"bind: result {code}"
    if code in _BIND_FIXES:
        return AuthenticatorMisconfigured(reason, code=code, fix=_BIND_FIXES[code])
    return AuthenticatorUnavailable(reason, code=code, fix="see the directory's log")


def search_failure(code: int) -> AuthenticatorUnavailable:
    """Return the failure of a search that ended with *code*."""
    reason = f"search: result {code}"
    if code in _NOT_SHOWN:
        fix = "correct LDAP_<NAME>_BASE, or let LDAP_<NAME>_BIND_DN search there"
        return AuthenticatorMisconfigured(reason, code=code, fix=fix)
    return AuthenticatorUnavailable(reason, code=code, fix="see the directory's log")


def failure(exc: Exception) -> AuthenticatorUnavailable:
    """Return the failure that *exc*, one of BROKEN, is."""
    if certificate_fault(exc):
        return outage(exc)
    causes = (exc, *_each(exc))
    for types, kind, reason, fix in _FAILURES:
        if any(isinstance(cause, types) for cause in causes):
            return kind(reason, fix=fix)
    if str(exc) == _WITHOUT_NAME:
        return AuthenticatorUnavailable(
            "has a name that this machine's DNS does not know", fix=_URL
        )
    return AuthenticatorUnavailable(
        f"cannot be reached, or ends the connection ({type(exc).__name__})",
        fix=f"{_URL}; the directory's log",
    )


def _each(exc: BaseException) -> Iterator[BaseException]:
    """Yield the failure that *exc* was made from, and those that it lists: one for each address."""
    inside = exc.__context__
    if inside is not None:
        yield inside
    for argument in exc.args:
        for item in argument if isinstance(argument, list) else ():
            if isinstance(item, tuple) and item and isinstance(item[0], BaseException):
                yield item[0]

"""The check of an LDAP directory for `threadlink doctor`: the connection, TLS, the bind, the base.

It binds as the service account, as each sign-in does, and looks for one entry that could sign in.
"""

from collections.abc import Iterator
from typing import Final

from ldap3 import DEREF_NEVER, SUBTREE, Connection
from ldap3.core.exceptions import LDAPInvalidFilterError

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    Diagnosis,
)
from app.accounts.ldap import TOTAL_S, bind, connected, tls_for
from app.accounts.ldap_errors import BROKEN, NO_SUCH_BASE, failure
from app.accounts.ldap_settings import LdapSettings
from app.accounts.upstream import unreachable
from app.infra.network.egress import DIRECT, Egress

_SUCCESS: Final = frozenset({0, 4})  # 4: sizeLimitExceeded, there are more of them.


def check(
    settings: LdapSettings, egress: Egress = DIRECT, *, total_s: float = TOTAL_S
) -> Iterator[Diagnosis]:
    """Yield what keeps people from signing in, or that nothing does."""
    upper = f"LDAP_{settings.name.upper()}"
    try:
        with connected(settings, tls_for(settings, egress), total_s=total_s) as connection:
            yield _inside(connection, settings, upper)
    except AuthenticatorUnavailable as exc:
        yield _told(exc, upper)
    except BROKEN as exc:
        yield _told(failure(exc), upper)


def _inside(connection: Connection, settings: LdapSettings, upper: str) -> Diagnosis:
    """Return what the directory, which is reached, says to the bind and to a search."""
    try:
        if settings.bind_dn and not bind(connection, settings.bind_dn, settings.bind_password):
            return Diagnosis(
                f"refuses {upper}_BIND_DN: there is no such entry, or its password is another",
                f"{upper}_BIND_DN, {upper}_BIND_PASSWORD; try: ldapwhoami -x -D … -W",
            )
        return _search(connection, settings, upper)
    except LDAPInvalidFilterError:
        return Diagnosis(f"cannot be asked with {upper}_FILTER", f"{upper}_FILTER (RFC 4515)")
    except AuthenticatorUnavailable as exc:
        words = f"answers the bind with an error ({exc.reason})"
        return Diagnosis(words, _told(exc, upper).fix)
    except BROKEN as exc:
        words = "ends the connection, or answers too late or in no LDAP"
        return Diagnosis(f"{words} ({type(exc).__name__})", f"the directory's log; {upper}_URL")


def _search(connection: Connection, settings: LdapSettings, upper: str) -> Diagnosis:
    connection.search(
        settings.base,
        settings.filter.replace("{username}", "*"),
        search_scope=SUBTREE,
        dereference_aliases=DEREF_NEVER,
        # Nothing of a person but the random identifier.
        attributes=[settings.subject],
        size_limit=1,
    )
    code = connection.result["result"]
    if code in NO_SUCH_BASE:
        return Diagnosis(
            f"has no {upper}_BASE, or does not show it to {_searcher(settings, upper)}",
            f"{upper}_BASE, or the directory's access rules",
        )
    if code not in _SUCCESS:
        return Diagnosis(
            f"refuses a search (result {code}) by {_searcher(settings, upper)}",
            f"{upper}_BIND_DN, or the directory's access rules and its log",
        )
    found = [item for item in connection.response if item["type"] == "searchResEntry"]
    if not found:
        return Diagnosis(
            f"shows {_searcher(settings, upper)} nobody who could sign in",
            f"{upper}_BASE, {upper}_FILTER or {upper}_ATTRIBUTE, or the directory's access rules",
            is_minor=True,
        )
    if not found[0]["raw_attributes"].get(settings.subject):
        return Diagnosis(
            f"has entries without {settings.subject}, or does not show it",
            f"{upper}_SUBJECT (objectGUID in Active Directory), or the directory's access rules",
        )
    return Diagnosis(f"takes the bind and shows people{_how(settings)}")


def _searcher(settings: LdapSettings, upper: str) -> str:
    return f"{upper}_BIND_DN" if settings.bind_dn else "a search without a BIND_DN"


def _how(settings: LdapSettings) -> str:
    return ", by TLS" if settings.is_encrypted else ", on this machine without TLS"


def _told(exc: AuthenticatorUnavailable, upper: str) -> Diagnosis:
    if isinstance(exc, AuthenticatorMisconfigured) and exc.reason.startswith("certificate: "):
        return unreachable(exc, f"{upper}_URL")
    return Diagnosis(exc.reason, exc.fix.replace("LDAP_<NAME>", upper))

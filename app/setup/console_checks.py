"""The checks of the operators' console: that it is where CONSOLE_URL says, and who can sign in."""

from collections.abc import Iterable, Iterator
from typing import Final

import requests

from app.accounts.authenticators import Diagnosis
from app.infra.network.certificate_faults import certificate_fault
from app.infra.network.connection_faults import connection_fault
from app.infra.network.http_client import new_session
from app.infra.settings.console import LOCAL, OIDC
from app.infra.settings.settings import Settings
from app.setup.findings import Finding, ok, problem, warning
from app.setup.http_get import get

TOTAL_S: Final = 15
_SUBJECT: Final = "console"
_SIGN_IN: Final = "sign-in of operators"
# What is answered to those whom CONSOLE_NETWORKS leaves out.
_NOT_FOUND: Final = 404
_MARK: Final = b"Threadlink console"


def check_address(settings: Settings) -> Iterator[Finding]:
    """Yield whether the console answers at its own address, and nowhere else."""
    console = settings.console
    if not console.is_https:
        yield ok(_SUBJECT, f"is at {console.url}, for this machine and an SSH tunnel to it")
        return
    with new_session(settings.egress) as session:
        yield _at_its_address(session, settings)
        yield _at_the_public_address(session, settings)


def _at_its_address(session: requests.Session, settings: Settings) -> Finding:
    url = settings.console.url
    try:
        answer = get(session, f"{url}/sign-in", total_s=TOTAL_S)
    except requests.exceptions.SSLError as exc:
        why = certificate_fault(exc) or "TLS fails"
        return problem(
            _SUBJECT,
            f"the certificate of {url} is not valid ({why})",
            "a certificate for this name as well: docs/deploying.md",
        )
    except requests.RequestException as exc:
        fault = connection_fault(exc)
        words = fault.words if fault else type(exc).__name__
        fix = fault.fix if fault else "DNS for this name, and a block for it in the proxy"
        return problem(_SUBJECT, f"{url} cannot be asked: {words}", fix)
    if _MARK in answer.body:
        return ok(_SUBJECT, f"{url} answers")
    if answer.status == _NOT_FOUND and settings.console.networks:
        return ok(_SUBJECT, f"{url} answers 404 here, as CONSOLE_NETWORKS may ask of it")
    return problem(
        _SUBJECT,
        f"something other than the console answers at {url} (HTTP {answer.status})",
        "the proxy has to pass this host name on, with its Host header: docs/deploying.md",
    )


def _at_the_public_address(session: requests.Session, settings: Settings) -> Finding:
    subject = "console at PUBLIC_URL"
    try:
        answer = get(session, f"{settings.public_url}/sign-in", total_s=TOTAL_S)
    except requests.RequestException:
        return ok(subject, "is not told there: PUBLIC_URL does not answer")
    if _MARK not in answer.body:
        return ok(subject, "is not told there")
    return problem(
        subject,
        "the console is answered through PUBLIC_URL's name",
        "the proxy must pass on the Host header as it comes: nginx: proxy_set_header Host "
        "$http_host",
    )


def check_sign_in(
    settings: Settings, *, has_operators: bool, provider: Iterable[Diagnosis]
) -> Iterator[Finding]:
    """Yield whether operators can sign in, and whether a password alone lets them.

    *has_operators*: there is one with a password here. *provider* is what was found about theirs.
    """
    console = settings.console
    if LOCAL in console.sign_in and not has_operators:
        yield warning(
            _SIGN_IN,
            "nobody has a password for the console yet",
            "threadlink operators add NAME --role admin",
        )
    if OIDC in console.sign_in:
        for told in provider:
            words = f"the provider {told.words}"
            verdict = problem(_SIGN_IN, words, told.fix) if told.fix else ok(_SIGN_IN, words)
            yield verdict
    if OIDC not in console.sign_in and console.is_https and not console.networks:
        yield warning(
            _SIGN_IN,
            "a password alone protects your customers' data",
            "CONSOLE_SIGN_IN=oidc with CONSOLE_OIDC_ISSUER, or CONSOLE_NETWORKS",
        )
    elif has_operators or OIDC in console.sign_in:
        yield ok(_SIGN_IN, f"is by {' or '.join(console.sign_in)}")

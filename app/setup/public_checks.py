"""Checks from outside: PUBLIC_URL leads here, for browsers and for Meta."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from app.infra.network.certificate_faults import certificate_fault
from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import new_session
from app.infra.network.installation_proof import HEADER, is_proof, new_nonce
from app.infra.observability.logs import printable
from app.infra.settings.settings import Settings
from app.setup.findings import Finding, ok, problem, warning
from app.setup.http_get import Answer, get
from app.setup.proxy_checks import check_count

TOTAL_S: Final = 15
# ngrok shows its warning page to whatever calls itself a browser (ngrok.com/abuse, "Browser
# Warning").
BROWSER: Final = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
)
NGROK_HEADER: Final = "ngrok-error-code"
NGROK_INTERSTITIAL: Final = "ERR_NGROK_6024"
# What this version answers (RFC 9110, 15.5.20), and those before.
TAKEN_FOR_PLAIN_HTTP: Final = frozenset({421, 308})
_BY_OUR_CA: Final = (
    "answers with a certificate that CA_FILE alone vouches for, and Meta does not know",
    "none if a proxy on the way out of your network looks into TLS; else a public certificate",
)
_WHOSE: Final = "PUBLIC_URL must lead here; with a tunnel: the address that it shows now"


def check_reach_of(settings: Settings) -> Iterator[Finding]:
    """Yield the findings of `check_reach` about the server that has *settings*."""
    return check_reach(
        settings.public_url,
        settings.verify_token,
        secret_keys=settings.secret_keys,
        is_production=settings.is_production,
        egress=settings.egress,
        trusted_proxies=settings.trusted_proxies,
    )


def check_reach(  # noqa: PLR0913 - parts of the settings, by name
    public_url: str,
    verify_token: str,
    *,
    secret_keys: Sequence[str],
    is_production: bool,
    egress: Egress = DIRECT,
    trusted_proxies: int = 0,
) -> Iterator[Finding]:
    """Yield a finding for each step from outside to the server; the first problem ends it.

    Nothing secret is sent before the server has proved that it is this installation. What a browser
    sees is a step of its own.
    """
    with ExitStack() as opened:
        # Meta trusts none of the certificates that we have added.
        session = opened.enter_context(new_session(replace(egress, added_certificates=None)))
        address = _check_address(session, public_url)
        if address.verdict == "problem" and egress.added_certificates:
            session = opened.enter_context(new_session(egress))
            if _check_address(session, public_url).verdict != "problem":
                address = warning("public address", *_BY_OUR_CA)
        yield address
        if address.verdict == "problem":
            return
        yield from _steps(
            public_url,
            lambda: _check_https(
                session, public_url, is_production=is_production, trusted_proxies=trusted_proxies
            ),
            lambda: _check_installation(session, public_url, secret_keys),
            lambda: check_count(
                lambda nonce, headers: _ask_with_nonce(session, public_url, nonce, headers),
                public_url=public_url,
                secret_keys=secret_keys,
                trusted_proxies=trusted_proxies,
            ),
            lambda: _check_handshake(session, public_url, verify_token),
        )
        yield from _steps(public_url, lambda: _check_interstitial(session, public_url))


def _steps(public_url: str, *steps: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        for step in steps:
            finding = step()
            yield finding
            if finding.verdict == "problem":
                return
    except requests.RequestException as exc:
        yield problem(
            "way in",
            f"{public_url} answers only sometimes ({type(exc).__name__}): the server or the tunnel "
            "ended, or the proxy blocks some paths",
            "threadlink doctor, once more; then the proxy's or the tunnel's log",
        )


def _check_address(session: requests.Session, public_url: str) -> Finding:
    subject = "public address"
    try:
        answer = _get(session, f"{public_url}/healthz")
    except requests.exceptions.SSLError as exc:
        return problem(
            subject,
            f"the certificate of {public_url} is not valid: expired, for another name, or signed "
            f"by an authority that Meta does not trust ({certificate_fault(exc) or 'TLS fails'})",
            "renew it, e.g. certbot renew, or let Caddy do it: docs/deploying.md",
        )
    except requests.RequestException as exc:
        if fault := connection_fault(exc):
            return problem(subject, f"{public_url} cannot be asked: {fault.words}", fault.fix)
        return problem(
            subject,
            f"{public_url} does not answer ({type(exc).__name__}): no server or no tunnel runs, or "
            "DNS or a firewall leads elsewhere",
            "threadlink serve; with a tunnel: PUBLIC_URL must be the address it shows now",
        )
    return _who_answers(answer, public_url, subject)


def _who_answers(answer: Answer, public_url: str, subject: str) -> Finding:
    if code := answer.headers.get(NGROK_HEADER):
        return problem(
            subject,
            f"ngrok answers for a tunnel that leads nowhere ({printable(code)})",
            "ngrok http 8000, and its address into PUBLIC_URL",
        )
    if answer.headers.get("Location") == f"{public_url}/healthz":
        return problem(
            subject,
            f"{public_url} redirects to itself for ever: a CDN or balancer asks the proxy behind "
            "it by plain http",
            "have it ask by https (Cloudflare: Full (strict)): docs/deploying.md, Behind a CDN",
        )
    if _status_of(answer) != "ok":
        return problem(
            subject,
            f"something other than Threadlink answers at {public_url} (HTTP {answer.status})",
            "PUBLIC_URL, or the proxy's rule for this host: docs/deploying.md",
        )
    return ok(subject, f"{public_url} answers")


def _check_https(
    session: requests.Session, public_url: str, *, is_production: bool, trusted_proxies: int
) -> Finding:
    subject = "https behind the proxy"
    answer = _get(session, f"{public_url}/")
    if answer.status == requests.codes.bad_request:
        return problem(
            subject,
            f"the server refuses the Host header: it expects {_host(public_url)}; or another "
            "header, with _ in its name",
            "nginx: proxy_set_header Host $http_host; or ALLOWED_HOSTS names what the proxy passes "
            "on; in the log: request.foreign_host or door.refused",
        )
    if answer.status in TAKEN_FOR_PLAIN_HTTP:
        return problem(
            subject,
            "the server takes every request for plain http, so that nobody can use its pages",
            "TRUSTED_PROXIES=1, and in nginx: proxy_set_header X-Forwarded-Proto $scheme;"
            if not trusted_proxies
            else f"TRUSTED_PROXIES is {trusted_proxies}; the server's log names the cause: "
            "request.not_https",
        )
    return ok(subject, "is seen" if is_production else "not needed on this machine")


def _host(public_url: str) -> str:
    return urlsplit(public_url).netloc


def _check_installation(
    session: requests.Session, public_url: str, secret_keys: Sequence[str]
) -> Finding:
    """Ask for the handshake with a wrong VERIFY_TOKEN, and for a proof in the refusal."""
    subject = "installation"
    nonce = new_nonce()
    answer = _ask_with_nonce(session, public_url, nonce, {})
    proof = answer.headers.get(HEADER)
    if proof and is_proof(proof, nonce, secret_keys=secret_keys, public_url=public_url):
        return ok(subject, "is this one")
    if answer.body == nonce.encode():
        return problem(
            subject,
            "is not Threadlink: it takes any VERIFY_TOKEN (and was not given ours)",
            _WHOSE,
        )
    if proof:
        return problem(
            subject,
            "is another one: its SECRET_KEY or its PUBLIC_URL is not ours",
            f"{_WHOSE}; SECRET_KEY and PUBLIC_URL must be the same here and where the server "
            "runs; restart it after a change",
        )
    if answer.status == requests.codes.forbidden:
        return problem(
            subject,
            "cannot be told: an earlier version of Threadlink answers, or another program",
            f"restart the server with this version, then threadlink doctor once more; {_WHOSE}",
        )
    return problem(
        subject,
        f"cannot be told: the proxy or another program answers at /webhook (HTTP {answer.status})",
        f"the proxy's rule for /webhook, and its log: docs/deploying.md; {_WHOSE}",
    )


def _ask_with_nonce(
    session: requests.Session, public_url: str, nonce: str, headers: dict[str, str]
) -> Answer:
    """Ask for the handshake with a wrong VERIFY_TOKEN; the refusal has the proofs for *nonce*."""
    params = _hub(secrets.token_hex(8), nonce)
    return _get(session, f"{public_url}/webhook", params=params, headers=headers)


def _check_handshake(session: requests.Session, public_url: str, verify_token: str) -> Finding:
    subject = "handshake"
    challenge = secrets.token_hex(8)
    answer = _get(session, f"{public_url}/webhook", params=_hub(verify_token, challenge))
    if answer.body == challenge.encode():
        return ok(subject, "is answered by a server with our VERIFY_TOKEN")
    return problem(
        subject,
        f"is not answered (HTTP {answer.status}): the server has another VERIFY_TOKEN",
        "VERIFY_TOKEN must be the same here and where the server runs; restart it after a change",
    )


def _hub(verify_token: str, challenge: str) -> dict[str, str]:
    return {
        "hub.mode": "subscribe",
        "hub.verify_token": verify_token,
        "hub.challenge": challenge,
    }


def _check_interstitial(session: requests.Session, public_url: str) -> Finding:
    subject = "ngrok's warning page"
    answer = _get(session, f"{public_url}/", headers={"User-Agent": BROWSER})
    if answer.headers.get(NGROK_HEADER) == NGROK_INTERSTITIAL:
        return warning(
            subject,
            "comes before the sign-in page: each person must tap Visit Site first, within the "
            "token's five minutes",
            "a paid ngrok plan, or: cloudflared tunnel --url http://127.0.0.1:8000",
        )
    return ok(subject, "is not in the way")


def _get(session: requests.Session, url: str, **more: Any) -> Answer:
    return get(session, url, total_s=TOTAL_S, **more)


def _status_of(answer: Answer) -> object:
    body = answer.json()
    return body.get("status") if isinstance(body, dict) else None

"""Finds the public address of a tunnel that runs on this machine and leads to our server.

ngrok: ngrok.com/docs/agent/api, "Base URL" and "List tunnels". cloudflared:
developers.cloudflare.com, Cloudflare Tunnel, "Metrics" (the ports); what is told there under
/quicktunnel and /config: github.com/cloudflare/cloudflared, metrics/metrics.go. Read 2026-11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from app.infra.network.addresses import is_loopback
from app.infra.settings.parsing import SettingError, origin

NGROK: Final = "http://127.0.0.1:4040"
CLOUDFLARED: Final = tuple(f"http://127.0.0.1:{port}" for port in range(20241, 20246))
USUAL: Final = (NGROK, *CLOUDFLARED)
TIMEOUT_S: Final = 3


class NoTunnel(Exception):
    """No tunnel that runs leads to the port; the text says how to start one that does."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A way in: what comes to *public_url* is brought to *upstream* by *program*."""

    program: str
    public_url: str
    # As the program says it; empty where it does not.
    upstream: str


def find(port: int, apis: Sequence[str] = USUAL) -> Tunnel:
    """Return the tunnel that leads to *port*, asking the local *apis* of the tunnels that run.

    Raises:
        NoTunnel: There is none.
    """
    with requests.Session() as session:
        # They are on this machine: no proxy, no .netrc.
        session.trust_env = False
        running = [tunnel for api in apis for tunnel in _at(session, api)]
    ours = [tunnel for tunnel in running if _port_of(tunnel.upstream) in {port, None}]
    usable = [tunnel for tunnel in ours if _may_be_public(tunnel.public_url)]
    if usable:
        # Before an address of this machine, which only a pretended Messenger can reach.
        return max(usable, key=lambda tunnel: tunnel.public_url.startswith("https://"))
    raise NoTunnel(_why_none(port, running, ours))


def _at(session: requests.Session, api: str) -> list[Tunnel]:
    if (told := _asked(session, f"{api}/api/tunnels")) is not None:
        return list(_of_ngrok(told))
    if (told := _asked(session, f"{api}/quicktunnel")) is not None:
        return list(_of_cloudflared(told, _asked(session, f"{api}/config")))
    return []


def _asked(session: requests.Session, url: str) -> Any:
    """Return the JSON that *url* answers with, or None."""
    try:
        answer = session.get(url, timeout=TIMEOUT_S, allow_redirects=False)
        return answer.json() if answer.ok else None
    except requests.RequestException:
        return None


def _of_ngrok(told: Any) -> Iterator[Tunnel]:
    rows = told.get("tunnels") if isinstance(told, dict) else None
    for row in rows if isinstance(rows, list) else []:
        match row:
            case {"public_url": str(url), "config": {"addr": str(upstream)}}:
                yield Tunnel("ngrok", url, upstream)


def _of_cloudflared(told: Any, config: Any) -> Iterator[Tunnel]:
    """Yield a quick tunnel, whose name stands in *told*, or the named ones of *config*."""
    quick = told.get("hostname") if isinstance(told, dict) else None
    rules: list[Any] = []
    match config:
        case {"config": {"ingress": list(given)}}:
            rules = given
    for rule in rules:
        match rule:
            case {"service": str(upstream)}:
                hostname = rule.get("hostname") or quick
                if isinstance(hostname, str) and hostname and "://" in upstream:
                    yield Tunnel("cloudflared", f"https://{hostname}", upstream)
    if not rules and isinstance(quick, str) and quick:
        # Older ones do not tell where they lead.
        yield Tunnel("cloudflared", f"https://{quick}", "")


def _port_of(upstream: str) -> int | None:
    """Return the port of an upstream as the programs write it: 80, localhost:80, http://…."""
    if upstream.isdecimal():
        return int(upstream)
    address = urlsplit(upstream if "://" in upstream else f"//{upstream}")
    try:
        port = address.port
    except ValueError:
        return -1
    return port or {"http": 80, "https": 443}.get(address.scheme)


def _may_be_public(url: str) -> bool:
    try:
        return origin(url).startswith("https://") or is_loopback(url)
    except SettingError:
        return False


def _why_none(port: int, running: Sequence[Tunnel], ours: Sequence[Tunnel]) -> str:
    if ours:
        return (
            f"{ours[0].program} leads {ours[0].public_url} to port {port}, but Messenger takes "
            f"https alone.\nNext: ngrok http {port}"
        )
    if running:
        there = running[0]
        other = _port_of(there.upstream)
        return (
            f"{there.program} runs, but leads to {there.upstream}, not to port {port}.\n"
            f"Next: threadlink run --tunnel --port {other}, or {_START[there.program]}{port}"
        )
    return (
        f"no tunnel runs on this machine. Next, in another terminal, one of\n"
        f"  {_START['ngrok']}{port}\n"
        f"  {_START['cloudflared']}{port}\n"
        "If one does run, its local API is elsewhere: --tunnel http://127.0.0.1:4041 (ngrok's "
        "web_addr, cloudflared's --metrics)."
    )


_START: Final = {
    "ngrok": "ngrok http ",
    "cloudflared": "cloudflared tunnel --url http://localhost:",
}

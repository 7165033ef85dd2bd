"""The public address of a tunnel (ngrok or cloudflared) that runs on this machine.

Sources, read in November 2026. ngrok: ngrok.com/docs/agent/api, "Base URL" and "List tunnels".
cloudflared: the ports in developers.cloudflare.com, Cloudflare Tunnel, "Metrics"; /quicktunnel and
/config in github.com/cloudflare/cloudflared, metrics/metrics.go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from app.infra.network.addresses import is_loopback
from app.infra.network.http_client import new_session
from app.infra.observability.logs import printable
from app.infra.settings.origins import origin
from app.infra.settings.parsing import SettingError
from app.setup.http_get import get

NGROK: Final = "http://127.0.0.1:4040"
CLOUDFLARED: Final = tuple(f"http://127.0.0.1:{port}" for port in range(20241, 20246))
USUAL: Final = (NGROK, *CLOUDFLARED)
TIMEOUT_S: Final = 3


class NoTunnel(Exception):
    """No running tunnel leads to the port; the text says how to start one that does."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel by *program*: requests to *public_url* are passed to *upstream*."""

    program: str
    public_url: str
    # In the program's own words; empty if it does not say.
    upstream: str


def find(port: int, apis: Sequence[str] = USUAL) -> Tunnel:
    """Return the tunnel that leads to *port*, found through the local APIs of tunnel programs.

    Raises:
        NoTunnel: No tunnel leads there.
    """
    # Whoever listens there first, on a machine with several users, decides what is found: it is
    # sent nothing, and check_reach decides whether the address is ours.
    with new_session() as session:
        running = [tunnel for api in apis for tunnel in _tunnels_at(session, api)]
    ours = [tunnel for tunnel in running if _port_of(tunnel.upstream) in {port, None}]
    usable = [tunnel for tunnel in ours if _may_be_public(tunnel.public_url)]
    if usable:
        # Preferred to an address of this machine, which only a simulated Messenger can reach.
        return max(usable, key=lambda tunnel: tunnel.public_url.startswith("https://"))
    raise NoTunnel(_why_none(port, running, ours))


def _tunnels_at(session: requests.Session, api: str) -> list[Tunnel]:
    if (answer := _get_json(session, f"{api}/api/tunnels")) is not None:
        return list(_of_ngrok(answer))
    if (answer := _get_json(session, f"{api}/quicktunnel")) is not None:
        return list(_of_cloudflared(answer, _get_json(session, f"{api}/config")))
    return []


def _get_json(session: requests.Session, url: str) -> Any:
    """Return the JSON at *url*; None if there is none."""
    try:
        answer = get(session, url, total_s=TIMEOUT_S)
    except requests.RequestException:
        return None
    return answer.json() if answer.status == requests.codes.ok else None


def _of_ngrok(answer: Any) -> Iterator[Tunnel]:
    rows = answer.get("tunnels") if isinstance(answer, dict) else None
    for row in rows if isinstance(rows, list) else []:
        match row:
            case {"public_url": str(url), "config": {"addr": str(upstream)}}:
                yield Tunnel("ngrok", url, upstream)


def _of_cloudflared(quick: Any, config: Any) -> Iterator[Tunnel]:
    """Yield the quick tunnel of the answer *quick*, or the named tunnels of *config*."""
    quick_name = quick.get("hostname") if isinstance(quick, dict) else None
    rules: list[Any] = []
    match config:
        case {"config": {"ingress": list(ingress)}}:
            rules = ingress
    for rule in rules:
        match rule:
            case {"service": str(upstream)}:
                hostname = rule.get("hostname") or quick_name
                if isinstance(hostname, str) and hostname and "://" in upstream:
                    yield Tunnel("cloudflared", f"https://{hostname}", upstream)
    if not rules and isinstance(quick_name, str) and quick_name:
        # Older versions do not report where they lead.
        yield Tunnel("cloudflared", f"https://{quick_name}", "")


def _port_of(upstream: str) -> int | None:
    """Return the port of *upstream*, which is like 80, localhost:80 or http://….

    None if it has none, -1 if it cannot be read.
    """
    try:
        if upstream.isdecimal():
            return int(upstream)
        address = urlsplit(upstream if "://" in upstream else f"//{upstream}")
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
            f"{ours[0].program} leads {printable(ours[0].public_url)} to port {port}, but "
            f"Messenger accepts https only.\nNext: ngrok http {port}"
        )
    if running:
        there = running[0]
        other = _port_of(there.upstream)
        return (
            f"{there.program} runs, but leads to {printable(there.upstream)}, not to port {port}.\n"
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

"""The way out of this network: the outgoing proxy, the hosts beside it, and added certificates."""

import base64
import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.infra.network.addresses import is_host
from app.infra.network.egress import Egress, Proxy
from app.infra.settings.parsing import SettingError, certificates, read_file
from app.infra.settings.reader import Reader

_WANTED: Final = "must be like http://proxy.example.com:3128 or http://USER:PASSWORD@HOST:PORT"
_ENCODED: Final = (
    "in USER and PASSWORD, write @ : / ? # % and spaces as %40 %3A %2F %3F %23 %25 %20"
)
_USER_INFO: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)


def read_egress(reader: Reader) -> Egress:
    """Return the way that requests of ours take."""
    direct_hosts = reader.optional("HTTPS_PROXY_EXCEPT", hosts, None)
    egress = Egress(
        proxy=reader.optional("HTTPS_PROXY_URL", proxy_url, None),
        direct_hosts=direct_hosts or frozenset(),
        added_certificates=reader.optional("CA_FILE", added_certificates, None),
    )
    if egress.direct_hosts:
        reader.need("HTTPS_PROXY_URL", "HTTPS_PROXY_EXCEPT needs HTTPS_PROXY_URL")
    return egress


def proxy_url(text: str) -> Proxy:
    """Return the proxy at the address *text*, which may have a user and a password."""
    parts = _parts(text)
    if parts.scheme.startswith("socks"):
        raise SettingError("must be an HTTP proxy: SOCKS is not supported")
    user_info, _, host = parts.netloc.rpartition("@")
    user, colon, password = user_info.partition(":")
    if not (_USER_INFO.fullmatch(user) and _USER_INFO.fullmatch(password)):
        raise SettingError(_ENCODED)
    if parts.scheme not in {"http", "https"} or parts.path not in {"", "/"}:
        raise SettingError(_WANTED)
    if parts.port is None:
        raise SettingError("must name the proxy's port: http://proxy.example.com:3128")
    url = f"{parts.scheme}://{host.lower()}"
    if not user_info:
        return Proxy(url)
    if not user or not colon:
        raise SettingError("must have both USER and PASSWORD, or none: http://USER:PASSWORD@HOST")
    # UTF-8, as RFC 7617, 2.1 has it.
    basic = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return Proxy(url, {"Proxy-Authorization": f"Basic {basic}"})


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise SettingError(f"{_WANTED}; {_ENCODED}") from None
    if (
        not is_host(parts.hostname or "")
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise SettingError(_WANTED)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise SettingError(_ENCODED)
    return parts


def hosts(text: str) -> frozenset[str]:
    """Return the hosts in *text*: names, addresses, or ``*.`` and a name."""
    if "," in text:
        raise SettingError("must be separated by spaces")
    words = [word.lower() for word in text.split()]
    for word in words:
        if word.startswith("."):
            raise SettingError("must have * before the dot: *.corp.example.com")
        if not is_host(word.removeprefix("*.")):
            raise SettingError(
                "must be names or addresses of hosts, without scheme, port, network or brackets"
            )
    return frozenset(words)


def added_certificates(text: str) -> str:
    """Return the certificates in the file that *text* names, without what stands around them."""
    return "\n".join(_CERTIFICATE.findall(read_file(certificates(text))))

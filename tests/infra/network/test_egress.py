"""The outgoing proxy and the added certificates: every client goes by them, and by nothing else."""

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.accounts.upstream import UpstreamClient, unreachable
from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import DIRECT, Egress, Proxy, directory_context
from app.infra.network.http_client import Deadline, new_session, timeout_within
from app.infra.observability.telemetry import ErrorReporter, spans_for
from app.infra.settings.egress import proxy_url
from app.messenger.errors import GraphUnreachable
from app.messenger.graph.transport import Call, GraphTransport
from app.outbox.handlers import RetryLater, Unreachable
from app.outbox.http_post import HttpPoster
from app.setup.http_get import get
from tests.certificates import authority, self_signed
from tests.infra.network.forward_proxy import ForwardProxy, forward_proxy
from tests.ports import free_port

LIMIT_S: Final = 10.0
# Names that no DNS has (RFC 6761, 6.4): who looks one up goes beside the proxy.
HOST: Final = "far.test"
FAR: Final = f"https://{HOST}"
SECRET: Final = "canary:p@ss word"
WRITTEN: Final = "canary%3Ap%40ss%20word"

Client = Callable[[str, Egress], None]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """Return a certificate of our own CA, for the server behind, and for a proxy with TLS."""
    folder = tmp_path_factory.mktemp("ca")
    return self_signed(folder, f"DNS:{HOST}", "DNS:localhost", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def running(tls: tuple[ssl.SSLContext, Path]) -> Iterator[ForwardProxy]:
    with forward_proxy(tls[0]) as proxy:
        yield proxy


@pytest.fixture
def proxy(running: ForwardProxy) -> ForwardProxy:
    running.asked.clear()
    running.behind.clear()
    running.says, running.hangs = b"", False
    return running


@pytest.fixture
def pem(tls: tuple[ssl.SSLContext, Path]) -> str:
    return tls[1].read_text(encoding="ascii")


@pytest.fixture
def egress(proxy: ForwardProxy, pem: str) -> Egress:
    written = proxy_url(f"http://jo:{WRITTEN}@127.0.0.1:{proxy.port}")
    return Egress(proxy=written, added_certificates=pem)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the hosts that are looked up or connected to, as they come."""
    hosts: list[object] = []
    real = socket.getaddrinfo

    def note(host: object, *args: Any, **kwargs: Any) -> Any:
        hosts.append(host)
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", note)
    return hosts


def _asks_graph(url: str, egress: Egress) -> None:
    transport = GraphTransport(token="PAGE", base_url=url, egress=egress)
    transport.send(Call(name="ask", method="GET", path="/me"), deadline=Deadline(LIMIT_S))


def _asks_a_provider(url: str, egress: Egress) -> None:
    client = UpstreamClient(egress)
    client.post(url, b"body", headers={}, deadline=Deadline(LIMIT_S), part="token endpoint")


def _tells_the_bot(url: str, egress: Egress) -> None:
    HttpPoster(url, connections=1, egress=egress, total_s=LIMIT_S).post(b"body", {})


def _checks(url: str, egress: Egress) -> None:
    with new_session(egress) as session:
        get(session, url, total_s=LIMIT_S)


def _reports_an_error(url: str, egress: Egress) -> None:
    reporter = ErrorReporter(url.replace("https://", "https://key@") + "/1", egress)
    reporter.report("test.failed", ValueError())
    reporter.close()


def _sends_a_span(url: str, egress: Egress) -> None:
    spans = spans_for(url, None, egress)
    assert spans
    with spans.request("GET"):
        pass
    spans.close()


CLIENTS: Final = (
    _asks_graph,
    _asks_a_provider,
    _tells_the_bot,
    _checks,
    _reports_an_error,
    _sends_a_span,
)
each_client = pytest.mark.parametrize("client", CLIENTS)


@each_client
def test_every_client_goes_by_the_proxy_and_looks_nothing_up_beside_it(
    client: Client, proxy: ForwardProxy, egress: Egress, looked_up: list[object]
) -> None:
    client(FAR, egress)

    assert [f"{HOST}:443"] == proxy.targets
    assert all(head.startswith("CONNECT ") for head in proxy.asked)
    assert {"127.0.0.1"} == set(looked_up)
    # What goes through the tunnel is for the target alone.
    assert 1 == len(proxy.behind)
    assert b"proxy" not in proxy.behind[0].lower()


def test_the_proxy_gets_user_and_password_as_they_are_meant(
    proxy: ForwardProxy, egress: Egress
) -> None:
    """RFC 7617: what is percent-encoded in the address is not in the header."""
    _asks_graph(FAR, egress)

    basic = base64.b64encode(f"jo:{SECRET}".encode()).decode()
    assert f"\r\nProxy-Authorization: Basic {basic}\r\n" in proxy.asked[0]
    # Not what is for the target.
    assert "PAGE" not in proxy.asked[0]


@each_client
def test_no_client_heeds_the_environment(
    client: Client,
    proxy: ForwardProxy,
    egress: Egress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither its proxies, nor its exceptions, nor its certificates, nor a .netrc."""
    empty, netrc = tmp_path / "empty.pem", tmp_path / "netrc"
    empty.touch()
    netrc.write_text(f"machine {HOST} login canary password canary\n")
    elsewhere = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(empty))
    monkeypatch.setenv("NETRC", str(netrc))

    client(FAR, egress)

    assert [f"{HOST}:443"] == proxy.targets
    assert b"canary" not in proxy.behind[0]


@each_client
def test_this_machine_is_never_reached_by_the_proxy(
    client: Client, proxy: ForwardProxy, egress: Egress
) -> None:
    for host in ("127.0.0.1", "localhost"):
        client(f"https://{host}:{proxy.behind_port}", egress)

    assert [] == proxy.asked
    assert 2 == len(proxy.behind)


def test_plain_http_never_takes_the_proxy(proxy: ForwardProxy, egress: Egress) -> None:
    """R101: it is for private networks, and a proxy would look up the name for us."""
    with pytest.raises(Unreachable):
        _tells_the_bot("http://bot.test/", egress)

    assert [] == proxy.asked


@pytest.mark.parametrize(
    ("url", "is_direct"),
    [
        ("https://bot.corp.test/x", True),
        ("https://BOT.corp.test./x", True),
        ("https://a.b.inside.test:8443", True),
        ("https://10.1.2.3/", True),
        ("https://[fd00::1]/", True),
        ("https://inside.test/", False),
        ("https://notinside.test/", False),
        ("https://other.bot.corp.test/", False),
        ("https://bot.corp.test.evil.test/", False),
        ("https://10.1.2.30/", False),
    ],
)
def test_hosts_inside_are_reached_directly(url: str, *, is_direct: bool) -> None:
    inside = frozenset({"bot.corp.test", "*.inside.test", "10.1.2.3", "fd00::1"})
    egress = Egress(proxy=Proxy("http://proxy.test:3128"), direct_hosts=inside)

    assert is_direct == (egress.proxy_for(url) is None)


ANSWERS: Final = {
    "407 Proxy Authentication Required": "wants another user or password (407)",
    "401 Unauthorized": "wants another user or password (401)",
    "403 Forbidden": "lets nobody through to the host (403)",
    "502 Bad Gateway": "does not reach the host (502)",
    "503 Service Unavailable": "does not reach the host (503)",
}


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("client", [_asks_graph, _asks_a_provider, _tells_the_bot, _checks])
def test_a_proxy_that_refuses_is_not_called_a_fault_of_the_target(
    client: Client, said: str, proxy: ForwardProxy, egress: Egress
) -> None:
    proxy.says = f"HTTP/1.1 {said} canary\r\nContent-Length: 0\r\n\r\n".encode()

    with pytest.raises(Exception) as raised:  # noqa: PT011 - its kind is below
        client(FAR, egress)

    _is_told_as(raised.value, ANSWERS[said])
    assert [] == proxy.behind


def _is_told_as(exc: Exception, words: str) -> None:
    """Assert that *exc*, as one client raises it, names the proxy and the fix, and no secret."""
    match exc:
        case GraphUnreachable() | AuthenticatorUnavailable():
            told, fix = exc.reason, exc.fix
        case RetryLater():
            told, fix = str(exc), "HTTPS_PROXY"
        case _:
            fault = connection_fault(exc)
            assert fault
            # It is not told but by its fault.
            told, fix, exc = fault.words, fault.fix, Exception()
    assert f"the outgoing proxy {words}" in told
    assert "HTTPS_PROXY" in fix
    assert not isinstance(exc, AuthenticatorMisconfigured)
    for text in (told, fix, str(exc), repr(exc)):
        assert "canary" not in text
        assert "Basic Y" not in text


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answers in no HTTP"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "answers in no HTTP"),
    ],
)
def test_what_is_no_proxy_is_told(
    says: bytes, words: str, proxy: ForwardProxy, egress: Egress
) -> None:
    proxy.says = says

    with pytest.raises(GraphUnreachable) as raised:
        _asks_graph(FAR, egress)

    _is_told_as(raised.value, words)


def test_a_proxy_that_hangs_ends_in_time(proxy: ForwardProxy, egress: Egress) -> None:
    """Within the total of the call, and it is told who hangs."""
    proxy.hangs = True

    with pytest.raises(AuthenticatorUnavailable) as raised:
        UpstreamClient(egress).get(FAR, deadline=Deadline(0.4))

    _is_told_as(raised.value, "does not answer in time")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:{free}", "cannot be reached: nothing listens there"),
        ("https://127.0.0.1:{port}", "speaks no TLS"),
    ],
)
def test_a_proxy_that_is_not_there_is_told(
    address: str, words: str, proxy: ForwardProxy, pem: str
) -> None:
    url = address.format(free=free_port(), port=proxy.port)
    egress = Egress(proxy=Proxy(url), added_certificates=pem)

    for client in (_asks_graph, _tells_the_bot):
        with pytest.raises((GraphUnreachable, Unreachable)) as raised:
            client(FAR, egress)
        _is_told_as(raised.value, words)


def test_a_proxy_whose_name_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(GraphUnreachable) as raised:
        _asks_graph(FAR, Egress(proxy=Proxy("http://proxy.test:3128")))

    _is_told_as(raised.value, "has a name that DNS does not know")


def test_a_proxy_may_speak_tls_itself(tls: tuple[ssl.SSLContext, Path], pem: str) -> None:
    """Its certificate is checked; a target's own CA file vouches for the target alone."""
    with forward_proxy(tls[0], own=tls[0]) as proxy:
        by_tls = Proxy(f"https://127.0.0.1:{proxy.port}")
        for client in (_asks_graph, _asks_a_provider, _tells_the_bot):
            client(FAR, Egress(proxy=by_tls, added_certificates=pem))
        assert 3 == len(proxy.behind)

        with pytest.raises(GraphUnreachable) as raised:
            _asks_graph(FAR, Egress(proxy=by_tls))
        client_of_one = UpstreamClient(Egress(proxy=by_tls), ca_file=str(tls[1]))
        with pytest.raises(AuthenticatorUnavailable) as of_target:
            client_of_one.get(FAR, deadline=Deadline(LIMIT_S))

        assert "the outgoing proxy cannot be trusted (certificate: of an unknown CA)" == str(
            raised.value
        )
        assert "the outgoing proxy cannot be trusted" in of_target.value.reason
        assert 3 == len(proxy.asked)


@pytest.mark.parametrize("client", [_asks_graph, _asks_a_provider, _tells_the_bot, _checks])
def test_a_certificate_behind_the_proxy_is_told_as_that(
    client: Client, proxy: ForwardProxy, egress: Egress
) -> None:
    """Behind a proxy that looks into TLS, before CA_FILE is set."""
    without = Egress(proxy=egress.proxy)

    with pytest.raises(Exception) as raised:  # noqa: PT011 - the same for each client
        client(FAR, without)

    fault = getattr(raised.value, "reason", None) or connection_fault(raised.value) or raised.value
    assert "certificate: of an unknown CA" in str(fault)
    assert "proxy wants" not in str(fault)
    assert [f"{HOST}:443"] == proxy.targets[:1]
    assert [] == proxy.behind


def test_graph_s_certificate_names_the_setting() -> None:
    """Before, it was a nameless failure of Graph's."""
    exc = requests.exceptions.SSLError(_unknown_ca())
    fault = connection_fault(exc)

    assert fault
    assert "CA_FILE" in fault.fix
    assert not fault.is_of_proxy


def _unknown_ca() -> ssl.SSLCertVerificationError:
    cause = ssl.SSLCertVerificationError()
    cause.verify_code = 20
    return cause


@each_client
def test_added_certificates_are_trusted_beside_the_public_ones(
    client: Client, proxy: ForwardProxy, pem: str
) -> None:
    client(f"https://127.0.0.1:{proxy.behind_port}", Egress(added_certificates=pem))

    assert 1 == len(proxy.behind)


def test_the_public_certificates_stay_trusted(pem: str) -> None:
    """Else CA_FILE for the bot would cut off Graph; no connection is needed to see it."""
    with new_session(Egress(added_certificates=pem)) as session:
        adapter = session.get_adapter(FAR)
        pool: Any = adapter.get_connection_with_tls_context(  # type: ignore[attr-defined]
            requests.Request("GET", FAR).prepare(), True
        )
        adapter.cert_verify(pool, FAR, True, None)  # type: ignore[attr-defined]

    assert pem == pool.conn_kw["ca_cert_data"]
    assert pool.ca_certs == DEFAULT_CA_BUNDLE_PATH


def test_a_file_of_its_own_stands_in_place_of_the_added_ones(
    proxy: ForwardProxy, pem: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text(self_signed(tmp_path)[1].read_text(encoding="ascii"))

    with pytest.raises(AuthenticatorMisconfigured):
        UpstreamClient(Egress(added_certificates=pem), ca_file=str(other)).get(
            f"https://127.0.0.1:{proxy.behind_port}", deadline=Deadline(LIMIT_S)
        )

    assert [] == proxy.behind


def test_doctor_tells_of_the_proxy_where_a_provider_is_not_reached(
    proxy: ForwardProxy, egress: Egress
) -> None:
    proxy.says = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    with pytest.raises(AuthenticatorUnavailable) as raised:
        UpstreamClient(egress).get(FAR, deadline=Deadline(LIMIT_S))

    told = unreachable(raised.value, "OIDC_X_ISSUER")  # type: ignore[arg-type]

    assert "cannot be asked: the outgoing proxy lets nobody through to the host (403)" == told.words
    assert "CONNECT" in told.fix


def test_directories_trust_the_system_and_not_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what CA_FILE adds; no connection is needed to see it."""
    ours = authority(until=datetime.now(UTC) + timedelta(days=1))
    theirs = tmp_path / "ca.pem"
    theirs.write_text(authority(until=datetime.now(UTC) + timedelta(days=1)))
    plain = len(directory_context(DIRECT).get_ca_certs())
    monkeypatch.setenv("SSL_CERT_FILE", str(theirs))

    assert plain == len(directory_context(DIRECT).get_ca_certs())
    added = directory_context(Egress(added_certificates=ours))
    assert plain + 1 == len(added.get_ca_certs())
    assert added.check_hostname
    assert ssl.CERT_REQUIRED is added.verify_mode


def test_direct_is_direct() -> None:
    assert DIRECT.proxy_for(FAR) is None
    assert timeout_within(1).total

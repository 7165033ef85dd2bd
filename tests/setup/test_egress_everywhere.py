"""The proxy of the settings is the one way of all https that a built server asks for."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy.engine import make_url

from app.infra import clock
from app.messenger.errors import GraphUnreachable
from app.messenger.types import PageId, Psid
from app.outbox.handlers import Unreachable
from app.outbox.queue import Claim
from app.services.background import _handlers
from app.services.container import Services, build
from app.setup.egress_checks import check_egress
from app.setup.meta_checks import check_meta
from app.setup.public_checks import check_reach_of
from tests.certificates import self_signed
from tests.infra.network.forward_proxy import ForwardProxy, forward_proxy
from tests.installation import PAGE, settings_for

GRAPH: Final = "graph.facebook.com:443"
KEY: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForwardProxy]:
    tls, _ = self_signed(tmp_path_factory.mktemp("behind"))
    with forward_proxy(tls) as proxy:
        proxy.says = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        yield proxy


@pytest.fixture
def proxy(running: ForwardProxy) -> ForwardProxy:
    running.asked.clear()
    return running


@pytest.fixture
def services(
    proxy: ForwardProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """Yield the services of a server with every kind of target, which connects to nothing yet."""
    real = socket.getaddrinfo

    def here_alone(host: object, *args: Any, **kwargs: Any) -> Any:
        assert "127.0.0.1" == host, host
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here_alone)
    services = build(
        settings_for(
            make_url(f"sqlite:///{tmp_path}/none.sqlite"),
            PUBLIC_URL="https://link.test",
            HTTPS_PROXY_URL=f"http://jo:canary@127.0.0.1:{proxy.port}",
            BOT_WEBHOOK_URL="https://notices.test/",
            BOT_WEBHOOK_SECRET=KEY,
            BOT_MESSENGER_URL="https://deliveries.test/",
            AUTHENTICATORS="http:shop oidc:staff",
            HTTP_SHOP_URL="https://shop.test/check",
            HTTP_SHOP_SECRET=KEY,
            OIDC_STAFF_ISSUER="https://login.test",
            OIDC_STAFF_CLIENT_ID="threadlink",
            OIDC_STAFF_CLIENT_SECRET="0123456789abcdef",
            LOG_LEVEL="error",
        )
    )
    yield services
    services.close()


def test_graph_is_asked_by_the_proxy(services: Services, proxy: ForwardProxy) -> None:
    with pytest.raises(GraphUnreachable, match="another user or password"):
        services.graph[PageId(PAGE)].send_text(Psid("1"), "hello")

    assert [GRAPH] == proxy.targets


def test_the_bot_is_told_by_the_proxy(services: Services, proxy: ForwardProxy) -> None:
    claim = Claim(1, "notice", b"{}", 1, clock.now(), digest="x")
    for kind in ("notice", "delivery"):
        with pytest.raises(Unreachable, match="another user or password"):
            _handlers(services)[kind].perform(claim)

    assert ["notices.test:443", "deliveries.test:443"] == proxy.targets


def test_sign_in_goes_by_the_proxy(services: Services, proxy: ForwardProxy) -> None:
    """By the checks of doctor, and by the authenticators themselves."""
    told = [
        diagnosis for check in services.authenticator_checks().values() for diagnosis in check()
    ]
    (methods,) = services.sign_in_methods.values()
    assert methods.password
    with suppress(Exception):
        methods.password.verify("jane@example.com", "a long password")
    with suppress(Exception):
        methods.providers[0].authenticator.begin("https://link.test/callback", state="S")

    assert 2 == len(told)
    assert all("the outgoing proxy wants another user" in each.words for each in told)
    assert all("HTTPS_PROXY_URL" in each.fix for each in told)
    assert {"shop.test:443": 2, "login.test:443": 2} == {
        target: proxy.targets.count(target) for target in proxy.targets
    }


def test_doctor_goes_by_the_proxy_and_says_once_what_it_wants(
    services: Services, proxy: ForwardProxy
) -> None:
    settings = services.settings
    (way_out,) = check_egress(settings.egress, settings.graph_url, at=clock.now())
    (reach,) = check_reach_of(settings)
    at_meta = [*check_meta(services.meta(), at=clock.now())]

    assert "problem" == way_out.verdict
    assert "user and password in HTTPS_PROXY_URL (Basic)" == way_out.fix
    assert "https://link.test cannot be asked: the outgoing proxy wants" in reach.words
    assert all("the way to Graph is blocked" in finding.words for finding in at_meta)
    assert all("metastatus" not in finding.fix for finding in at_meta)
    assert {GRAPH, "link.test:443"} == set(proxy.targets)
    assert "canary" not in f"{way_out}{reach}{at_meta}"

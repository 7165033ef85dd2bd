"""The lines with #mtls of docs/deploy: deliveries by Meta's client certificate alone.

CA and common name: developers.facebook.com/docs/graph-api/webhooks/getting-started, "mTLS for
webhooks" (read November 2026). A CA of our own takes the place of Meta's.
"""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import requests
from cryptography.x509.oid import NameOID

from app.infra import clock
from tests.actors import message
from tests.certificates import Issuer
from tests.deploy.proxies import DEPLOY, PROGRAMS, Front, place_before, standing
from tests.deploy.tap import Tap, tapping
from tests.installation import ANA
from tests.shipped import Shipped

META: Final = "client.webhooks.fbclientcerts.com"
CA_FILE: Final = "meta-outbound-api-ca-2025-12.pem"
FOLDERS: Final = {"nginx": "/etc/nginx", "caddy": "/etc/caddy", "haproxy": "/etc/haproxy"}


class Guarded(NamedTuple):
    """A proxy that wants Meta's certificate, the wire behind it, and certificates by name."""

    front: Front
    tap: Tap
    certificates: Mapping[str, Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return our CA's certificate, and certificates of clients with their keys, by name."""
    folder = tmp_path_factory.mktemp("certificates")
    ours, another = Issuer("our CA"), Issuer("another CA")
    authority = folder / "ca.pem"
    authority.write_bytes(ours.pem)
    name, business = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME
    return {
        "authority": authority,
        "Meta's": ours.client(folder / "meta.pem", (business, "Meta, Inc."), (name, META)),
        "of another CA": another.client(folder / "another.pem", (name, META)),
        "of another name": ours.client(folder / "name.pem", (name, f"x.{META}")),
        "of a longer name": ours.client(folder / "longer.pem", (name, f"{META}.evil.example")),
        "with the name elsewhere": ours.client(
            folder / "elsewhere.pem", (name, "evil.example"), (business, f"x,CN={META}")
        ),
    }


@pytest.fixture(scope="module", params=PROGRAMS)
def guarded(
    server: Shipped,
    certificates: Mapping[str, Path],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guarded]:
    """Yield each proxy with the lines in use, by the command of docs/going-live.md."""
    program, folder = request.param, tmp_path_factory.mktemp(request.param)
    with tapping(server.port) as tap:
        changes = {
            "#mtls ": "",
            f"{FOLDERS[program]}/{CA_FILE}": str(certificates["authority"]),
        }
        if program == "caddy":
            # The certificate that Caddy has here, and would fetch elsewhere, in one block with it.
            own = f"\ttls {folder}/fullchain.pem {folder}/privkey.pem"
            changes |= {f"{own}\n": "", "\ttls {\n": f"{own} {{\n"}
        with standing(program, place_before(tap.port), folder, changes) as front:
            yield Guarded(front, tap, certificates)


def test_a_delivery_with_meta_s_certificate_is_taken(guarded: Guarded) -> None:
    messenger = guarded.front.messenger(guarded.certificates["Meta's"])

    assert 200 == messenger.tells(message(ANA, "hello", clock.now())).status


@pytest.mark.parametrize(
    "which",
    [None, "of another CA", "of another name", "of a longer name", "with the name elsewhere"],
)
def test_a_delivery_with_any_other_is_refused(which: str | None, guarded: Guarded) -> None:
    """R51: though it is signed with our app secret; and nothing of it reaches the server."""
    before = len(guarded.tap.sent)
    messenger = guarded.front.messenger(guarded.certificates[which] if which else None)
    try:
        status = messenger.tells(message(ANA, "hello", clock.now())).status
    except (requests.ConnectionError, ssl.SSLError):
        status = None

    # nginx says 400 of a certificate that it cannot verify; the others end the handshake.
    assert status in ({400, None} if which == "of another CA" else {403})
    assert before == len(guarded.tap.sent)


@pytest.mark.parametrize("path", ["/", "/healthz", "/authorize"])
def test_people_need_no_certificate(path: str, guarded: Guarded) -> None:
    assert guarded.front.asks("GET", path).status_code in {200, 400}
    assert path.encode() in guarded.tap.sent


def test_the_handshake_needs_none(guarded: Guarded) -> None:
    """`threadlink doctor` and `setup` ask for it, to know which server is there."""
    assert "1158201444" == guarded.front.messenger().shakes_hands(challenge="1158201444").text


@pytest.mark.parametrize("path", ["/webhook?x=1", "//webhook", "/%77ebhook", "/webhook/"])
def test_no_other_spelling_of_the_path_leads_past_it(path: str, guarded: Guarded) -> None:
    before = guarded.tap.sent.count(b"POST /webhook ")

    answer = guarded.front.asks("POST", path, data=b"{}")

    assert answer.status_code in {403, 404, 405, 415}
    assert before == guarded.tap.sent.count(b"POST /webhook ")


@pytest.mark.parametrize("file", ["nginx.conf", "Caddyfile", "haproxy.cfg"])
def test_as_shipped_no_line_of_it_is_in_use(file: str) -> None:
    """Without Meta's switch for the app it would refuse every delivery."""
    used = [line.partition("#")[0] for line in (DEPLOY / file).read_text("utf-8").splitlines()]

    assert CA_FILE in (DEPLOY / file).read_text("utf-8")
    assert [] == [line for line in used if "fbclientcerts" in line or CA_FILE in line]

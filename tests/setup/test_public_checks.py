"""The checks from outside: proxy, tunnel, certificate and handshake."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import URL
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app import create_app
from app.infra.network.egress import Egress
from app.infra.network.installation_proof import HEADER, prove
from app.services.container import build
from app.setup.findings import Finding
from app.setup.http_get import Answer
from app.setup.proxy_checks import check_count
from app.setup.public_checks import check_reach
from tests.certificates import self_signed
from tests.conftest import on_sqlite
from tests.installation import settings_for

VERIFY_TOKEN: Final = "verify token of these tests"
KEYS: Final = ("the key of now", "the key of before")


def proof_of(request: Request, secret_key: str = KEYS[0], public_url: str = "") -> dict[str, str]:
    """Return the header with which a server of *secret_key* at *public_url* answers."""
    proof = prove(
        request.args["hub.challenge"],
        secret_key=secret_key,
        public_url=public_url or request.host_url.rstrip("/"),
    )
    return {HEADER: proof}


class Front:
    """A server at the public address that answers *answers*, by path, else as Threadlink does."""

    def __init__(self, answers: dict[str, Response]) -> None:
        self._answers = answers
        # Each VERIFY_TOKEN that it was sent.
        self.told: list[str] = []

    def __call__(self, environ: Any, start: Any) -> Any:
        return self._answer(Request(environ))(environ, start)

    def _answer(self, request: Request) -> Response:
        if request.path in self._answers:
            answer = self._answers[request.path]
            here = request.host_url.rstrip("/")
            if "Location" in answer.headers:
                told = answer.headers["Location"].format(public_url=here)
                return Response(status=answer.status, headers={"Location": told})
            return answer
        if request.path == "/healthz":
            return Response('{"status": "ok"}', mimetype="application/json")
        if request.path != "/webhook":
            return Response()
        self.told.append(request.args["hub.verify_token"])
        if self.told[-1] == VERIFY_TOKEN:
            return Response(request.args["hub.challenge"])
        return Response(status=403, headers=self.proof(request))

    def proof(self, request: Request) -> dict[str, str]:
        """Return the header by which the server proves that it is ours."""
        return proof_of(request)


@contextmanager
def listening(front: Front, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Yield the address of *front*."""
    server = make_server("127.0.0.1", 0, front, threaded=True, ssl_context=tls)
    server.log = lambda *_said: None  # type: ignore[method-assign]  # a server of the test, quiet
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def look(url: str) -> dict[str, Finding]:
    found = check_reach(url, VERIFY_TOKEN, secret_keys=KEYS, is_production=True)
    return {finding.subject: finding for finding in found}


def test_a_server_of_ours_is_recognised_from_outside() -> None:
    with listening(Front({})) as url:
        found = look(url)

    assert 6 == len(found)
    assert {"ok"} == {finding.verdict for finding in found.values()}


ANSWERS = {
    "another program": (
        {"/healthz": Response("<h1>Welcome to nginx!</h1>")},
        "public address",
        "something other than Threadlink",
        "PUBLIC_URL",
    ),
    "a tunnel that is closed": (
        {"/healthz": Response(status=404, headers={"ngrok-error-code": "ERR_NGROK_3200"})},
        "public address",
        "ERR_NGROK_3200",
        "ngrok http",
    ),
    "the proxy passes another Host": (
        {"/": Response(status=400)},
        "https behind the proxy",
        "refuses the Host header: it expects 127.0.0.1:",
        "proxy_set_header Host $http_host",
    ),
    "https is not seen": (
        {"/": Response(status=308, headers={"Location": "https://shop.example/"})},
        "https behind the proxy",
        "plain http",
        "TRUSTED_PROXIES=1",
    ),
    "a CDN that asks by plain http": (
        {"/healthz": Response(status=301, headers={"Location": "{public_url}/healthz"})},
        "public address",
        "redirects to itself for ever",
        "Full (strict)",
    ),
    "a proxy's own page": (
        {"/webhook": Response("Bad Gateway", status=502)},
        "installation",
        "the proxy or another program answers at /webhook (HTTP 502)",
        "the proxy's rule for /webhook",
    ),
    "a page for everything": (
        {"/webhook": Response("ok")},
        "installation",
        "another program answers at /webhook (HTTP 200)",
        "the proxy's rule for /webhook",
    ),
}


@pytest.mark.parametrize(
    ("answers", "subject", "told", "fix"), ANSWERS.values(), ids=ANSWERS.keys()
)
def test_what_is_in_the_way_is_named(
    answers: dict[str, Response], subject: str, told: str, fix: str
) -> None:
    with listening(Front(answers)) as url:
        finding = look(url)[subject]

    assert "problem" == finding.verdict
    assert told in finding.words
    assert fix in finding.fix


def test_a_handshake_that_fails_does_not_hide_what_a_browser_sees() -> None:
    class Ngrok(Front):
        def _answer(self, request: Request) -> Response:
            if "Mozilla" in request.headers.get("User-Agent", ""):
                return Response("You are about to visit", headers=WARNING_PAGE)
            return super()._answer(request)

    with listening(Ngrok({"/webhook": Response("Bad Gateway", status=502)})) as url:
        found = look(url)

    assert "problem" == found["installation"].verdict
    assert "warning" == found["ngrok's warning page"].verdict
    assert "handshake" not in found


def test_a_server_that_stops_answering_half_way_is_named() -> None:
    """
    As when it is restarted meanwhile, or when a firewall lets some addresses through.
    """

    class Ends(Front):
        def __call__(self, environ: Any, start: Any) -> Any:
            if environ["PATH_INFO"] == "/webhook":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return super().__call__(environ, start)

    with listening(Ends({})) as url:
        finding = look(url)["way in"]

    assert "problem" == finding.verdict
    assert "answers only sometimes (ConnectionError)" in finding.words
    assert "threadlink doctor, once more" in finding.fix


def test_on_this_machine_no_https_is_asked_for() -> None:
    with listening(Front({})) as url:
        steps = check_reach(url, VERIFY_TOKEN, secret_keys=KEYS, is_production=False)
        found = {one.subject: one for one in steps}

    https = found["https behind the proxy"]
    assert ("ok", "not needed on this machine") == (https.verdict, https.words)


class Echo(Front):
    """A server that gives back every challenge."""

    def _answer(self, request: Request) -> Response:
        if "hub.challenge" in request.args:
            self.told.append(request.args["hub.verify_token"])
            return Response(request.args["hub.challenge"])
        return super()._answer(request)


class OfBefore(Front):
    """Threadlink as it was before it could prove anything; so are programs that refuse."""

    def proof(self, _request: Request) -> dict[str, str]:
        return {}


class Other(Front):
    """Another installation, as at an ngrok name that somebody else has by now."""

    def proof(self, request: Request) -> dict[str, str]:
        return proof_of(request, secret_key="another key")


class Moved(Front):
    """Whoever has our old name, and passes the question on to where we are now."""

    def proof(self, request: Request) -> dict[str, str]:
        return proof_of(request, public_url="https://new.example")


class Recorded(Front):
    """Whoever has recorded a proof, or guesses."""

    def proof(self, request: Request) -> dict[str, str]:
        other = prove("n" * 43, secret_key=KEYS[0], public_url=request.host_url.rstrip("/"))
        return {HEADER: other}


class Mirror(Front):
    """A server that sends the challenge back where the proof should be."""

    def proof(self, request: Request) -> dict[str, str]:
        challenge = request.args["hub.challenge"]
        return {HEADER: f"{challenge[:22]}.{challenge}"}


STRANGERS = {
    "echo": (Echo, "is not Threadlink: it takes any VERIFY_TOKEN (and was not given ours)"),
    "of before": (OfBefore, "an earlier version of Threadlink answers, or another program"),
    "another installation": (Other, "is another one: its SECRET_KEY or its PUBLIC_URL is not ours"),
    "our old name": (Moved, "is another one: its SECRET_KEY or its PUBLIC_URL is not ours"),
    "a recorded proof": (Recorded, "is another one"),
    "a mirror": (Mirror, "is another one"),
}


@pytest.mark.parametrize(("kind", "told"), STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_is_named_and_does_not_get_the_verify_token(
    kind: type[Front], told: str
) -> None:
    """Whoever is there, the token is sent only after the proof; and nothing else secret ever is."""
    front = kind({})
    with listening(front) as url:
        found = look(url)

    assert "problem" == found["installation"].verdict
    assert told in found["installation"].words
    assert "handshake" not in found
    assert 1 == len(front.told)
    assert VERIFY_TOKEN not in front.told


def test_the_server_may_still_have_the_secret_key_of_before() -> None:
    """As between a change of SECRET_KEY and the reload."""

    class NotReloaded(Front):
        def proof(self, request: Request) -> dict[str, str]:
            return proof_of(request, secret_key=KEYS[1])

    with listening(NotReloaded({})) as url:
        assert {"ok"} == {finding.verdict for finding in look(url).values()}


def test_another_verify_token_of_our_own_server_is_named() -> None:
    class Forgetful(Front):
        def _answer(self, request: Request) -> Response:
            if request.args.get("hub.verify_token") == VERIFY_TOKEN:
                return Response(status=403)
            return super()._answer(request)

    with listening(Forgetful({})) as url:
        finding = look(url)["handshake"]

    assert "is not answered (HTTP 403): the server has another VERIFY_TOKEN" == finding.words
    assert "VERIFY_TOKEN must be the same" in finding.fix


def test_nothing_is_asked_of_a_server_that_is_not_threadlink_at_all() -> None:
    asked: list[str] = []

    class Stranger(Front):
        def _answer(self, request: Request) -> Response:
            asked.append(request.full_path)
            return Response("hello")

    with listening(Stranger({})) as url:
        look(url)

    assert ["/healthz?"] == asked


@pytest.mark.parametrize("body", [b"[" * 250_000, b"x" * 50_000_000, b"\xff\xfe", b"[1]", b"null"])
def test_an_answer_of_any_size_and_kind_is_only_not_ours(body: bytes) -> None:
    with listening(Front({"/healthz": Response(body)})) as url:
        finding = look(url)["public address"]

    assert "something other than Threadlink answers" in finding.words


def test_ngrok_s_warning_page_is_named() -> None:
    """
    Only browsers are shown it: Meta's webhook passes, and people do not.
    """

    class Ngrok(Front):
        def _answer(self, request: Request) -> Response:
            if "Mozilla" in request.headers.get("User-Agent", ""):
                return Response("You are about to visit", headers=WARNING_PAGE)
            return super()._answer(request)

    with listening(Ngrok({})) as url:
        finding = look(url)["ngrok's warning page"]

    assert "warning" == finding.verdict
    assert "Visit Site" in finding.words


WARNING_PAGE: Final = {"ngrok-error-code": "ERR_NGROK_6024"}


def test_a_certificate_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """
    Meta takes certificates of public authorities only.
    """
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    with listening(Front({}), tls) as url:
        found = look(url)

    assert ["public address"] == list(found)
    assert "certificate" in found["public address"].words


def test_a_certificate_that_we_alone_trust_is_told(tmp_path: Path) -> None:
    """CA_FILE is ours and not Meta's; behind a proxy that looks into TLS it is all there is."""
    tls, trusted = self_signed(tmp_path)
    egress = Egress(added_certificates=trusted.read_text(encoding="ascii"))

    with listening(Front({}), tls) as url:
        found = [
            *check_reach(url, VERIFY_TOKEN, secret_keys=KEYS, is_production=True, egress=egress)
        ]

    first, *others = found
    assert ("public address", "warning") == (first.subject, first.verdict)
    assert "CA_FILE alone vouches for, and Meta does not know" in first.words
    assert {"ok"} == {finding.verdict for finding in others}


COUNTS = [
    pytest.param({}, 1, "ok", id="right"),
    pytest.param({}, 2, "problem", id="too high"),
    pytest.param({}, 4, "problem", id="much too high"),
    pytest.param({"FORWARDED_HEADER": "forwarded"}, 2, "problem", id="too high by Forwarded"),
]


@on_sqlite
@pytest.mark.parametrize(("known", "proxies", "verdict"), COUNTS)
def test_a_count_of_proxies_that_lets_a_client_choose_its_address_is_a_problem(
    database: URL, known: dict[str, str], proxies: int, verdict: str
) -> None:
    """R86: behind one proxy, which appends, a server counts as many as its setting says."""
    shop = "https://shop.example"
    public = {"PUBLIC_URL": shop, "TRUSTED_PROXIES": str(proxies), **known}
    built = build(settings_for(database, **public))
    client = create_app(built).test_client()

    def ask(nonce: str, headers: dict[str, str]) -> Answer:
        more = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        more["Forwarded"] = "for=203.0.113.9;proto=https"
        passed_on = {name: f"{value}, {more[name]}" for name, value in headers.items()}
        hub = {"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": nonce}
        sent = client.get(
            "/webhook", query_string=hub, headers={"Host": "shop.example"} | passed_on
        )
        return Answer(sent.status_code, dict(sent.headers), sent.data)

    finding = check_count(
        ask, public_url=shop, secret_keys=built.settings.secret_keys, trusted_proxies=proxies
    )
    built.close()

    assert verdict == finding.verdict
    if verdict == "problem":
        assert f"TRUSTED_PROXIES is {proxies}, which is too high" in finding.words


def test_behind_counted_proxies_the_log_names_why_https_is_not_seen() -> None:
    with listening(Front({"/": Response(status=421)})) as url:
        steps = check_reach(
            url, VERIFY_TOKEN, secret_keys=KEYS, is_production=True, trusted_proxies=2
        )
        found = {finding.subject: finding for finding in steps}

    fix = found["https behind the proxy"].fix or ""
    assert "TRUSTED_PROXIES is 2" in fix
    assert "request.not_https" in fix

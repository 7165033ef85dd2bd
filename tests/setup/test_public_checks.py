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
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app.setup.findings import Finding
from app.setup.public_checks import check_reach

VERIFY_TOKEN: Final = "verify token of these tests"


class Front:
    """A server at the public address that answers *answers*, by path, else as Threadlink does."""

    def __init__(self, answers: dict[str, Response]) -> None:
        self._answers = answers

    def __call__(self, environ: Any, start: Any) -> Any:
        return self._answer(Request(environ))(environ, start)

    def _answer(self, request: Request) -> Response:
        if request.path in self._answers:
            return self._answers[request.path]
        if request.path == "/healthz":
            return Response('{"status": "ok"}', mimetype="application/json")
        if request.args.get("hub.verify_token") == VERIFY_TOKEN:
            return Response(request.args["hub.challenge"])
        return Response(status=403 if request.path == "/webhook" else 200)


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
    found = check_reach(url, VERIFY_TOKEN, is_production=True)
    return {finding.subject: finding for finding in found}


def test_a_server_of_ours_is_recognised_from_outside() -> None:
    with listening(Front({})) as url:
        found = look(url)

    assert 4 == len(found)
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
        "another Host",
        "proxy_set_header Host $host",
    ),
    "https is not seen": (
        {"/": Response(status=308, headers={"Location": "https://shop.example/"})},
        "https behind the proxy",
        "plain http",
        "TRUSTED_PROXIES=1",
    ),
    "another installation": (
        {"/webhook": Response(status=403)},
        "handshake",
        "another VERIFY_TOKEN",
        "VERIFY_TOKEN must be the same",
    ),
    "a challenge that is not echoed": (
        {"/webhook": Response("ok")},
        "handshake",
        "HTTP 200",
        "VERIFY_TOKEN",
    ),
}


@pytest.mark.parametrize(
    ("answers", "subject", "told", "mend"), ANSWERS.values(), ids=ANSWERS.keys()
)
def test_what_is_in_the_way_is_named(
    answers: dict[str, Response], subject: str, told: str, mend: str
) -> None:
    with listening(Front(answers)) as url:
        finding = look(url)[subject]

    assert "problem" == finding.verdict
    assert told in finding.words
    assert mend in finding.fix


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
        found = {one.subject: one for one in check_reach(url, VERIFY_TOKEN, is_production=False)}

    https = found["https behind the proxy"]
    assert ("ok", "not needed on this machine") == (https.verdict, https.words)


def test_the_verify_token_goes_to_no_server_that_is_not_ours() -> None:
    asked: list[str] = []

    class Stranger(Front):
        def _answer(self, request: Request) -> Response:
            asked.append(request.full_path)
            return Response("hello")

    with listening(Stranger({})) as url:
        look(url)

    assert ["/healthz?"] == asked


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

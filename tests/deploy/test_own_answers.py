"""Answers that a proxy gives by itself, and the TLS by which it gives them."""

import ssl

import pytest

from tests.deploy.proxies import NAME, Front
from tests.deploy.suites import offering

MIB = 1024 * 1024
SIX = frozenset(
    {
        "content-security-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
    }
)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = (line, f"Host: {NAME}", "Connection: close", *headers)
    return (
        "\r\n".join([*(f"{one} HTTP/1.1" for one in head[:1]), *head[1:], "", ""]).encode() + body
    )


CHUNKED = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(2)) + b"0\r\n\r\n"
OWN = [
    pytest.param(request("GET /metrics"), 404, id="metrics"),
    pytest.param(request("GET /readyz"), 404, id="readyz"),
    pytest.param(request("POST //webhook"), 404, id="another spelling"),
    pytest.param(request("POST /x", "Content-Length: 65537"), 413, id="64 KiB and a byte"),
    pytest.param(
        request("POST /x", "Transfer-Encoding: chunked", body=CHUNKED), 413, id="128 KiB in chunks"
    ),
    pytest.param(
        request("POST /webhook", f"Content-Length: {4 * MIB + 1}"), 413, id="4 MiB and a byte"
    ),
]


@pytest.mark.parametrize(("raw", "status"), OWN)
def test_a_proxy_s_own_answer_has_the_headers_of_every_answer(
    front: Front, raw: bytes, status: int
) -> None:
    """R72: what Threadlink never hears of is answered as Threadlink would."""
    answer = front.answer_to(raw)

    assert status == answer.status
    assert set() == SIX - answer.headers.keys()


def test_an_absent_server_is_answered_with_the_headers_of_every_answer(alone: Front) -> None:
    """R72: 502 and 503 are a proxy's own."""
    (answer,) = alone.answers_to(request("GET /"))

    assert answer.status in {502, 503}
    assert set() == SIX - answer.headers.keys()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(request("GET /"), id="a page"),
        pytest.param(request("GET /healthz"), id="data"),
        pytest.param(request("GET /metrics"), id="the proxy's own"),
        # Refused before Flask.
        pytest.param(request("TRACE /"), id="a refusal"),
    ],
)
def test_no_header_is_sent_twice(front: Front, raw: bytes) -> None:
    """R72: browsers join two policies to a stricter one, and take two HSTS for a mistake."""
    with front.connect() as connection:
        connection.sendall(raw)
        said = bytearray()
        while part := connection.recv(65536):
            said += part
    head = bytes(said).partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    names = [line.partition(":")[0] for line in head.splitlines()[1:]]

    assert dict.fromkeys(SIX, 1) == {name: names.count(name) for name in SIX}


@pytest.mark.parametrize("path", ["/", "/webhook"])
def test_plain_http_is_answered_without_a_promise_of_https(front: Front, path: str) -> None:
    """R72, and RFC 6797 (7.2): Strict-Transport-Security has no place on http."""
    answer = front.asks_in_clear(path)

    assert {"strict-transport-security"} == SIX - {name.lower() for name in answer.headers}


@pytest.mark.parametrize(
    "suite",
    [
        pytest.param("AES128-SHA", id="neither forward secrecy nor AEAD"),
        pytest.param("AES128-GCM-SHA256", id="no forward secrecy"),
        pytest.param("ECDHE-RSA-AES128-SHA256", id="no AEAD"),
        pytest.param("ECDHE-RSA-AES256-SHA", id="no AEAD, SHA-1"),
        pytest.param("DHE-RSA-AES128-GCM-SHA256", id="finite-field Diffie-Hellman"),
        pytest.param("CAMELLIA128-SHA", id="Camellia"),
    ],
)
def test_a_tls_suite_that_does_not_keep_secrets_is_refused(front: Front, suite: str) -> None:
    """ASVS 5.0.0, 12.1.2: what is recorded today must not be readable with tomorrow's key."""
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        front.connect(offering(suite))


def test_a_tls_suite_that_keeps_secrets_is_taken(front: Front) -> None:
    """Without this, the refusals above would also hold for a proxy that takes none."""
    with front.connect(offering("ECDHE-RSA-AES128-GCM-SHA256")) as connection:
        assert "TLSv1.2" == connection.version()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_old_version_of_tls_is_refused(front: Front, version: ssl.TLSVersion) -> None:
    """ASVS 5.0.0, 12.1.1."""
    tls = offering("ALL")
    tls.minimum_version = tls.maximum_version = version

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        front.connect(tls)

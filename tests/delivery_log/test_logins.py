"""Logging in at NATS: TLS by CA_FILE, a token, a file of credentials; whoever lacks them is out."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nkeys

from app.delivery_log.nats_stream import StreamNotMade, create_stream
from app.infra.network.egress import DIRECT, Egress
from app.infra.settings.nats_url import nats_address
from tests import certificates, nats_cluster

LOGIN: Final = "the user, password, token or credentials"
NO_LIMITS: Final = dict.fromkeys(
    (
        *("subs", "data", "payload", "imports", "exports", "conn", "leaf"),
        *("mem_storage", "disk_storage", "streams", "consumer"),
    ),
    -1,
)


def makes_a_stream(url: str, egress: Egress = DIRECT) -> str:
    """Return why *url* cannot be used, or nothing."""
    try:
        create_stream(nats_address(url), egress, replicas=1, retention=nats_cluster.RETENTION)
    except StreamNotMade as exc:
        return str(exc)
    return ""


def test_a_server_is_trusted_by_its_certificate_and_its_name(tmp_path: Path) -> None:
    _, certificate = certificates.self_signed(tmp_path)
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{tmp_path / "key.pem"}" }}'
    trusting = Egress(added_certificates=certificate.read_text())
    with nats_cluster.running(more=tls) as cluster:
        (port,) = (server.port for server in cluster.servers)
        trusted = makes_a_stream(f"tls://127.0.0.1:{port}", trusting)
        unknown = makes_a_stream(f"tls://127.0.0.1:{port}")
        other_name = makes_a_stream(f"tls://localhost:{port}", trusting)

    assert "" == trusted
    assert "NATS does not do it: its certificate is not trusted: CA_FILE" == unknown
    assert "NATS does not do it: its certificate is not trusted: CA_FILE" == other_name


def test_a_token_stands_alone_before_the_address() -> None:
    with nats_cluster.running(more='authorization { token: "canary-token" }') as cluster:
        (port,) = (server.port for server in cluster.servers)
        right = makes_a_stream(f"nats://canary-token@127.0.0.1:{port}")
        wrong = [makes_a_stream(f"nats://{login}127.0.0.1:{port}") for login in ("canary@", "")]

    assert "" == right
    assert [True, True] == [told.endswith(LOGIN) for told in wrong]


def test_a_file_of_credentials_signs_the_nonce_of_the_server(tmp_path: Path) -> None:
    operator, system, account, user, other = (key(kind) for kind in "OAAUU")
    operator_jwt = token(operator, operator, {"type": "operator"})
    account_jwt = token(
        operator, account, {"type": "account", "limits": {**NO_LIMITS, "wildcards": True}}
    )
    user_jwt = token(account, user, {"type": "user", "subs": -1, "data": -1, "payload": -1})
    system_jwt = token(operator, system, {"type": "account", "limits": {}})
    account_id, system_id = (each.public_key.decode() for each in (account, system))
    config = (
        f"operator: {operator_jwt}\nsystem_account: {system_id}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {account_id}: {account_jwt}, {system_id}: {system_jwt} }}"
    )
    right, wrong = tmp_path / "right.creds", tmp_path / "wrong.creds"
    right.write_text(credentials(user_jwt, user))
    wrong.write_text(credentials(user_jwt, other))
    with nats_cluster.running(more=config) as cluster:
        (port,) = (server.port for server in cluster.servers)
        taken, refused = (
            makes_a_stream(f"nats://127.0.0.1:{port}?credentials={path}") for path in (right, wrong)
        )

    assert "" == taken
    assert refused.endswith(LOGIN)


def key(kind: str) -> nkeys.KeyPair:
    prefix = {
        "O": nkeys.PREFIX_BYTE_OPERATOR,
        "A": nkeys.PREFIX_BYTE_ACCOUNT,
        "U": nkeys.PREFIX_BYTE_USER,
    }[kind]
    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), prefix))


def token(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, claims: Mapping[str, Any]) -> str:
    """Return a JWT of NATS (docs.nats.io, "JSON Web Tokens", read 2026-11)."""
    body = {
        "iat": 1_700_000_000,
        "iss": issuer.public_key.decode(),
        "name": claims["type"],
        "sub": subject.public_key.decode(),
        "nats": {**claims, "version": 2},
    }
    digest = hashlib.sha256(json.dumps(body).encode()).digest()
    body["jti"] = base64.b32encode(digest).decode().rstrip("=")
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{_encoded(issuer.sign(signed.encode()))}"


def credentials(jwt: str, user: nkeys.KeyPair) -> str:
    seed = user.seed.decode()
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

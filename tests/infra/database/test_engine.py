import socket
import ssl
import subprocess
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.infra.database.engine import UtcDateTime, make_engine
from app.infra.settings.database_url import database_url
from tests import postgres


def test_the_session_fixture_talks_to_a_real_database(session: Session) -> None:
    assert 1 == session.scalar(text("SELECT 1"))


def test_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    """R117: what is committed survives a power cut, and a writer waits for another."""
    engine = make_engine(database_url(f"sqlite:///{tmp_path}/db.sqlite"))

    with engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()

    assert ["wal", 2, 1, 2500] == pragmas


def test_only_the_owner_can_read_a_new_sqlite_file(tmp_path: Path) -> None:
    """R113."""
    path = tmp_path / "db.sqlite"

    make_engine(database_url(f"sqlite:///{path}")).dispose()

    assert 0o600 == path.stat().st_mode & 0o777


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001


def test_a_time_comes_back_in_utc() -> None:
    noon_in_paris = datetime(2026, 11, 21, 13, tzinfo=timezone(timedelta(hours=1)))

    stored = UtcDateTime().process_bind_param(noon_in_paris, sqlite.dialect())

    assert stored == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_text_is_text_in_a_database_without_an_encoding(postgres_server: URL) -> None:
    """Psycopg returned bytes, and `threadlink db upgrade` ended in a traceback."""
    name = f"ascii_{uuid.uuid4().hex}"
    url = postgres.new_database(postgres_server, name, encoding="SQL_ASCII")
    engine = make_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT CAST(:name AS text)"), {"name": "Łódź"})
    engine.dispose()
    postgres.drop_database(postgres_server, name)

    assert "Łódź" == found


def test_a_writer_on_postgresql_waits_with_a_limit(postgres_server: URL) -> None:
    engine = make_engine(postgres_server)

    with engine.connect() as connection:
        limit = connection.scalar(text("SHOW lock_timeout"))
    engine.dispose()

    assert "2500ms" == limit


def _refused_over_tls(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Answer one client as a PostgreSQL with TLS that lets nobody in (its protocol 3, 55.2)."""
    peer, _ = listener.accept()
    with peer, suppress(OSError):
        peer.recv(8)  # SSLRequest
        peer.sendall(b"S")
        with tls.wrap_socket(peer, server_side=True) as secured:
            secured.recv(1024)
            said = b"SFATAL\0C28000\0Mrefused behind TLS\0\0"
            secured.sendall(b"E" + (len(said) + 4).to_bytes(4) + said)


def test_the_authorities_of_the_system_are_those_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel of psycopg looks for them where its builder had them: none is trusted."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    usual = ssl.get_default_verify_paths()
    trusted = usual._replace(cafile=str(certificate))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: trusted)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_refused_over_tls, args=(listener, tls))
        server.start()
        port = listener.getsockname()[1]
        address = f"postgresql://u@127.0.0.1:{port}/d?sslmode=verify-full&sslrootcert=system"
        engine = make_engine(database_url(address))

        with pytest.raises(OperationalError, match="refused behind TLS"):
            engine.connect()
        server.join()
    engine.dispose()

"""DATABASE_URL in production: a PostgreSQL elsewhere has TLS, or a choice against it."""

import pytest
from structlog.testing import capture_logs

from app.cli.serving import note_start
from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT

PUBLIC = {**ENVIRONMENT, "PUBLIC_URL": "https://link.shop.example"}
UNDECIDED = [
    "postgresql://u:s3cret@db.example/x",
    "postgres://u:s3cret@db.example/x?sslmode=prefer",
    "postgresql+psycopg://u:s3cret@db.example/x?sslmode=allow",
    # Private networks, and what containers call it.
    "postgresql://u:s3cret@10.0.0.5/x",
    "postgresql://u:s3cret@[fd00::5]:5432/x",
    "postgresql://u:s3cret@postgres/x",
    # libpq takes these before the host of the address, or in addition.
    "postgresql://u:s3cret@127.0.0.1,db.example/x",
    "postgresql://u:s3cret@127.0.0.1:5432,db.example:5432/x",
    "postgresql://u:s3cret@[::1]:5432,[fd00::5]:5432/x",
    "jdbc:postgresql://db.example/x?user=u&password=s3cret",
    "postgresql://u:s3cret@/x?host=/run/postgresql,db.example",
    "postgresql://u:s3cret@/x?host=127.0.0.1:5432&host=db.example:5432",
    "postgresql://u:s3cret@127.0.0.1/x?hostaddr=10.0.0.5",
    "postgresql:///x?service=shop",
    "postgresql://u:s3cret@localhost.example/x",
]
HERE = [
    "sqlite:///threadlink.sqlite",
    "postgresql:///x",
    "postgresql:///x?host=/var/run/postgresql",
    "postgresql:///x?host=@abstract",
    "postgresql://u:s3cret@127.0.0.1:5432/x",
    "postgresql://u:s3cret@[::1]:5432/x",
    "postgresql://u:s3cret@localhost/x",
    "postgresql:///x?host=::1",
    "postgresql:///x?host=localhost:5432&host=[::1]:5433",
    "postgresql:///x?host=/run/a,127.0.0.1",
    "postgresql://u:s3cret@localhost/x?hostaddr=127.0.0.1",
    "postgresql://u:s3cret@%2Frun%2Fpostgresql:5432/x",
    "postgresql://u:s3cret@localhost:5432,[::1]:5433/x",
]
WITH_TLS = [
    f"postgresql://u:s3cret@db.example/x?sslmode={mode}"
    for mode in ("require", "verify-ca", "verify-full")
] + ["postgresql://u:s3cret@db.example/x?sslrootcert=system"]
IN_CLEAR = [
    "postgresql://u:s3cret@db.example/x?sslmode=disable",
    "postgresql://u:s3cret@/x?host=a.example,b.example&sslmode=disable",
]


@pytest.mark.parametrize("address", UNDECIDED)
def test_a_database_elsewhere_without_a_word_on_tls_stops_the_start(address: str) -> None:
    """ASVS 5.0.0, 12.3.1: by default libpq goes on without TLS where it is not offered."""
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**PUBLIC, "DATABASE_URL": address})

    (said,) = str(refused.value).splitlines()
    assert said.startswith("DATABASE_URL is not of this machine and needs a sslmode")
    assert "sslmode=verify-full&sslrootcert=system" in said
    assert "sslmode=disable" in said
    for kept in ("s3cret", "db.example", "10.0.0.5"):
        assert kept not in said


@pytest.mark.parametrize("address", [*HERE, *WITH_TLS, *IN_CLEAR])
def test_a_database_here_or_with_a_word_on_tls_is_accepted(address: str) -> None:
    assert settings_from_env({**PUBLIC, "DATABASE_URL": address}).is_production


def test_development_asks_for_no_tls() -> None:
    assert not settings_from_env({**ENVIRONMENT, "DATABASE_URL": UNDECIDED[0]}).is_production


@pytest.mark.parametrize(
    ("address", "warns"),
    [*((each, True) for each in IN_CLEAR), *((each, False) for each in [*HERE, *WITH_TLS])],
)
def test_a_choice_against_tls_is_in_the_log(address: str, *, warns: bool) -> None:
    """Each start warns: who reads the log need not be who chose."""
    with capture_logs() as told:
        note_start(settings_from_env({**PUBLIC, "DATABASE_URL": address}))

    levels = [line["log_level"] for line in told if line["event"] == "database.without_tls"]
    assert (["warning"] if warns else []) == levels
    assert "s3cret" not in str(told)

"""`threadlink doctor` says what it sees of the database, and warns of what can be changed."""

from collections.abc import Sequence

import pytest
from sqlalchemy import URL, text

from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url
from app.services.container import Services
from app.setup.database_checks import check_database_tls, check_durability, check_postgresql
from tests.conftest import on_postgresql
from tests.setup.conftest import Runs, lines


@on_postgresql
def test_a_database_that_takes_no_writes_is_named(sound: Services, runs: Runs) -> None:
    """
    So a standby answers.
    """
    name = sound.engine.url.database
    with sound.engine.begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))

    line = lines(runs)["database"]

    assert "fault" == line["verdict"]
    assert line["words"] == "takes no writes: it is a standby, or read-only"
    assert line["mend"] == "let DATABASE_URL name the primary"


@pytest.mark.parametrize(("mode", "warns"), [("disable", True), ("require", False)])
def test_a_database_that_is_spoken_to_in_clear_is_named(mode: str, *, warns: bool) -> None:
    """ASVS 5.0.0, 12.3.1: where the operator has chosen so."""
    chosen = database_url(f"postgresql://u:s3cret@db.example/x?sslmode={mode}")

    found = [*check_database_tls(chosen)]

    assert (["warning"] if warns else []) == [finding.verdict for finding in found]
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(("revision", "told"), [("base", "missing"), ("0001", "0001")])
def test_tables_that_are_behind_are_named(
    revision: str, told: str, sound: Services, runs: Runs
) -> None:
    schema.downgrade(sound.engine, revision)

    line = lines(runs)["database"]

    assert ("fault", "threadlink db upgrade") == (line["verdict"], line["mend"])
    assert f"its tables are {told}, this version wants" in line["words"]


@pytest.mark.parametrize(
    ("oldest", "verdict"), [("9998", "fault"), ("0001", "warning"), (None, "fault")]
)
def test_tables_of_a_later_version_are_not_to_be_upgraded(
    oldest: str | None, verdict: str, sound: Services, runs: Runs
) -> None:
    """The version before goes on working with them, and starts, unless they say otherwise."""
    with sound.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DELETE FROM schema_support"))
        if oldest is not None:
            connection.execute(schema.SUPPORT.insert(), {"oldest": oldest})

    line = lines(runs)["database"]

    assert verdict == line["verdict"]
    assert "its tables are of a later version (9999)" in line["words"]
    assert "threadlink db upgrade" not in line["mend"]


@on_postgresql
@pytest.mark.parametrize(
    ("mode", "query", "verdicts"),
    [
        (None, "", []),
        ("session", "", ["ok"]),
        ("transaction", "?pooler=transaction", ["ok"]),
        ("transaction", "", ["problem"]),
    ],
)
def test_a_pooler_in_between_is_told(
    database: URL,
    monkeypatch: pytest.MonkeyPatch,
    mode: str | None,
    query: str,
    verdicts: Sequence[str],
) -> None:
    """Without the parameter the worker fails, and posts again what the bot has got."""
    monkeypatch.setattr("app.setup.database_checks.pooler_of", lambda _engine: mode)
    url = database_url(f"{database.render_as_string(hide_password=False)}{query}")
    engine = make_engine(url)
    found = [each for each in check_postgresql(engine, url) if each.subject == "database pooler"]
    engine.dispose()

    assert verdicts == [finding.verdict for finding in found]
    assert [mode] * len(found) == [mode for each in found if f"in {mode} mode" in each.words]
    assert ["DATABASE_URL: add pooler=transaction"] * verdicts.count("problem") == [
        each.fix for each in found if each.fix
    ]


@on_postgresql
@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [("", "ok"), ("&target_session_attrs=primary", "ok"), ("&target_session_attrs=any", "warning")],
)
def test_several_hosts_are_told_with_the_one_that_is_used(
    database: URL, attributes: str, verdict: str
) -> None:
    at = f"postgresql://{database.username}@/{database.database}"
    hosts = f"?host=127.0.0.1,127.0.0.1&port=1,{database.port}"
    url = database_url(f"{at}{hosts}{attributes}")
    engine = make_engine(url)
    (found,) = (each for each in check_postgresql(engine, url) if each.subject == "database hosts")
    engine.dispose()

    assert verdict == found.verdict
    assert f"2 are named in DATABASE_URL, and 127.0.0.1:{database.port} is the one" in found.words


SAFE = {"fsync": "on", "synchronous_commit": "on", "synchronous_standby_names": ""}
NAMED = {**SAFE, "synchronous_standby_names": "ANY 1 (a, b)"}


@pytest.mark.parametrize(
    ("shown", "states", "verdict", "words"),
    [
        (SAFE, [], "ok", "none is seen: what was acknowledged is on one disk"),
        (SAFE, ["async"], "ok", "1 standby, none of them synchronous: what was acknowledged is on"),
        (NAMED, ["quorum", "quorum"], "ok", "2 standbys, 2 synchronous: a commit waits"),
        (NAMED, [None], "ok", "told to members of pg_read_all_stats alone"),
        (NAMED, [], "warning", "none is connected"),
        ({**NAMED, "synchronous_commit": "local"}, ["sync"], "warning", "waits for none of them"),
        ({**NAMED, "synchronous_commit": "off"}, ["sync"], "warning", "synchronous_commit=off"),
        ({**SAFE, "fsync": "off"}, [], "warning", "fsync=off: a power cut"),
    ],
)
def test_where_a_commit_is_before_it_is_acknowledged(
    shown: dict[str, str], states: Sequence[str | None], verdict: str, words: str
) -> None:
    """One machine without a standby is a choice, and no warning."""
    found = check_durability(shown, states)

    assert verdict == found.verdict
    assert words in found.words
    assert bool(found.fix) is (verdict == "warning")


@on_postgresql
@pytest.mark.usefixtures("sound")
def test_doctor_asks_postgresql_itself(runs: Runs) -> None:
    """The tests' own, if it is that, is faster than it is safe."""
    words = lines(runs)["database standby"]["words"]

    assert words.startswith(("fsync=off: a power cut", "none is seen: "))

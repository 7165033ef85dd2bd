"""Checks of the database: does it answer, take writes, have our tables; and what stands behind it.

A warning has something to change; what is only good to know is told as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from app.infra.database import schema
from app.infra.database.failures import READ_ONLY, explanation
from app.infra.database.pooler import POOLER, pooler_of
from app.infra.database.time_limits import within
from app.infra.settings.production import is_without_tls
from app.setup.findings import Finding, ok, problem, warning

_SUBJECT: Final = "database"
_SECONDS: Final = 3.0
# Those of libpq's target_session_attrs by which no standby is taken.
_PRIMARY: Final = ("read-write", "primary")
_DURABILITY: Final = ("fsync", "synchronous_commit", "synchronous_standby_names")


def check_database(engine: Engine) -> Finding:
    """Report whether the database answers, has the tables of this version, and accepts writes."""
    try:
        status = schema.status(engine)
    except DBAPIError as exc:
        told = explanation(exc) or f"the database answers with a {type(exc.orig).__name__}"
        cause, _, step = told.partition(". Next: ")
        return problem(
            _SUBJECT, cause.removeprefix("the database "), step or "threadlink db status"
        )
    later = f"its tables are of a later version ({status.present}), this one wants {status.wanted}"
    install = "install the version that ran here last; threadlink --version shows this one's"
    if status.is_later and not status.fits:
        return problem(_SUBJECT, later, install)
    if not status.fits:
        present = status.present or "missing"
        return problem(
            _SUBJECT,
            f"its tables are {present}, this version wants {status.wanted}",
            "threadlink db upgrade",
        )
    if refused := _refused_write(engine):
        return refused
    if status.is_later:
        return warning(_SUBJECT, f"{later}, and works with them", install)
    return ok(_SUBJECT, f"answers, takes writes, tables at {status.present}")


def _refused_write(engine: Engine) -> Finding | None:
    """Return the problem of a database that takes no writes."""
    try:
        with within(_SECONDS), engine.begin() as connection:
            schema.try_writing(connection)
    except DBAPIError as exc:
        # What PostgreSQL says of a standby is the cause itself; of a disk, its log has more.
        cause, _, step = (explanation(exc) or "").partition(". Next: ")
        if getattr(exc.orig, "sqlstate", None) == READ_ONLY:
            return problem(_SUBJECT, cause.removeprefix("the database "), step)
        return problem(
            _SUBJECT,
            f"takes no writes ({type(exc.orig).__name__}): the disk is full, or the file is not "
            "ours",
            _place(engine),
        )
    return None


def check_database_tls(database: URL) -> Iterator[Finding]:
    """Report that *database*, on another machine, is spoken to without TLS."""
    if is_without_tls(database):
        yield warning(
            "database",
            "DATABASE_URL says sslmode=disable: who can listen on the network to it reads all",
            "DATABASE_URL: sslmode=verify-full&sslrootcert=system, unless that network is yours",
        )


def check_postgresql(engine: Engine, database: URL) -> Iterator[Finding]:
    """Report what is between here and the PostgreSQL of *engine*, and what its commits wait for.

    *database* is its address in the settings.

    Raises:
        DBAPIError: It cannot be reached.
    """
    if engine.dialect.name != "postgresql":
        return
    given = database.normalized_query
    mode = pooler_of(engine)
    with within(_SECONDS), engine.connect().execution_options(reading=True) as connection:
        driver: Any = connection.connection.driver_connection
        here = f"{driver.info.host}:{driver.info.port}"
        ask = connection.exec_driver_sql
        shown = [ask(f"SHOW {name}").scalar_one() for name in _DURABILITY]
        states = ask("SELECT sync_state FROM pg_stat_replication").scalars().all()
    yield from _hosts(engine, here, *given.get("target_session_attrs", ("read-write",)))
    yield from _pooler(mode, is_told=POOLER in given)
    yield check_durability(dict(zip(_DURABILITY, shown, strict=True)), states)


def _hosts(engine: Engine, here: str, attributes: str) -> Iterator[Finding]:
    hosts = engine.url.normalized_query.get("host", ())
    count = sum(len(host.split(",")) for host in hosts)
    if count > 1:
        words = f"{count} are named in DATABASE_URL, and {here} is the one that takes writes"
        if attributes in _PRIMARY:
            yield ok("database hosts", words)
        else:
            yield warning(
                "database hosts",
                f"{words} now; by target_session_attrs={attributes} a standby may be taken instead",
                "DATABASE_URL: leave target_session_attrs out",
            )


def _pooler(mode: str | None, *, is_told: bool) -> Iterator[Finding]:
    words = f"DATABASE_URL leads through one in {mode} mode"
    if mode == "transaction" and not is_told:
        yield problem(
            "database pooler",
            f"{words}: statements fail that were prepared on another of its connections",
            "DATABASE_URL: add pooler=transaction",
        )
    elif mode is not None:
        yield ok("database pooler", words)


def check_durability(shown: Mapping[str, str], states: Sequence[str | None]) -> Finding:
    """Report where a commit is before it is acknowledged.

    *shown* are settings of the server, *states* the ``sync_state`` of each standby; None where this
    user may not see it.
    """
    subject = "database standby"
    waits, names = shown["synchronous_commit"], shown["synchronous_standby_names"]
    for name in ("fsync", "synchronous_commit"):
        if shown[name] == "off":
            return warning(
                subject,
                f"{name}=off: a power cut takes what was acknowledged just before",
                f"{name} = on in the settings of PostgreSQL, or of this database or user",
            )
    count = f"{len(states)} standby" if len(states) == 1 else f"{len(states)} standbys"
    if not names:
        told = f"{count}, none of them synchronous" if states else "none is seen"
        return ok(subject, f"{told}: what was acknowledged is on one disk")
    if waits == "local":
        return warning(
            subject,
            "synchronous_standby_names is set, and synchronous_commit=local waits for none of them",
            "synchronous_commit = on in the settings of PostgreSQL, or of this database or user",
        )
    if not states:
        return warning(
            subject,
            "synchronous_standby_names is set, and none is connected: no commit ends",
            "start the standby, or take it out of synchronous_standby_names",
        )
    if None in states:
        return ok(
            subject,
            f"{count}; which are synchronous is told to members of pg_read_all_stats alone",
        )
    number = sum(state in {"sync", "quorum"} for state in states)
    return ok(subject, f"{count}, {number} synchronous: a commit waits for it")


def _place(engine: Engine) -> str:
    name = engine.url.database
    if engine.dialect.name == "sqlite" and name:
        return f"df -h {Path(name).parent} && ls -l {name}"
    hosts = engine.url.host or ", ".join(engine.url.normalized_query.get("host", ()))
    return f"look at the log of the PostgreSQL server {hosts or 'on this machine'}"

"""A primary and its synchronous standby, copies of a cluster that holds a link and an API key."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL, text

from app.api_keys import service as keys
from app.infra import clock
from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.services.container import build
from tests import postgres
from tests.drills.high_availability import networks
from tests.drills.high_availability.networks import Place
from tests.drills.high_availability.nodes import DATABASE, Node
from tests.installation import ANA, PAGE, settings_for

_LINK: Final = text("""
    INSERT INTO link (page_id, psid, issuer, subject, state, version, change, event_at, cause)
    VALUES (:page, :psid, 'local', 'subject', 'linked', 1, 1, now(), 'messenger')
""")
_HISTORY: Final = text("""
    INSERT INTO link_event
    (event_at, page_id, psid, status, cause, issuer, subject, recorded_at)
    VALUES (now(), :page, :psid, 'linked', 'messenger', 'local', 'subject', now())
""")


@dataclass(frozen=True, slots=True)
class Template:
    """A cluster that does not run, and the key of a program that may look up its one link."""

    node: Node
    key: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The two; while the standby is away, no commit of the primary is acknowledged."""

    primary: Node
    standby: Node
    key: str


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a new folder that everybody may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="threadlink-pair-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def template(folder: Path) -> Template:
    """Make the template of pairs in *folder*."""
    node = Node(postgres.programs(folder), folder / "data")
    postgres.new_data(node.programs, node.data)
    node.configure()
    node.start()
    postgres.new_database(node.url.set(database="postgres"), DATABASE)
    engine = make_engine(node.url)
    schema.upgrade(engine)
    engine.dispose()
    key = fill(node.url)
    node.stop()
    return Template(node, key)


def fill(database: URL) -> str:
    """Put a link into the migrated *database*; return the key of a program that may look it up."""
    engine = make_engine(database)
    with engine.begin() as connection:
        for statement in (_LINK, _HISTORY):
            connection.execute(statement, {"page": PAGE, "psid": ANA})
    engine.dispose()
    services = build(settings_for(database))
    key = services.write(
        keys.issue, "bot", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    services.close()
    return key


@contextmanager
def pair(template: Template, folder: Path, *, may_vanish: bool = False) -> Iterator[Pair]:
    """Yield a pair that runs, with its data in *folder*; *may_vanish*: its primary is a host."""
    if may_vanish:
        with networks.host() as host:
            yield from _pair(template, folder, host)
    else:
        yield from _pair(template, folder, Place())


def _pair(template: Template, folder: Path, place: Place) -> Iterator[Pair]:
    programs = template.node.programs
    primary, standby = Node(programs, folder / "a", place), Node(programs, folder / "b")
    for node in (primary, standby):
        # Of a cluster that does not run, a copy of the files is a base backup.
        shutil.copytree(template.node.data, node.data)
        for path in (node.data, *node.data.rglob("*")):
            postgres.own(path)
        node.configure()
    standby.follow(primary)
    with (primary.data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("synchronous_standby_names = '*'\n")
    primary.is_primary = True
    try:
        primary.start()
        standby.start()
        primary.await_standby()
        yield Pair(primary, standby, template.key)
    finally:
        primary.remove()
        standby.remove()

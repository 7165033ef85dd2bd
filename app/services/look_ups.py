"""Look-ups: the key and the links of all requests that wait for theirs, in one statement."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    Connection,
    Engine,
    Select,
    String,
    bindparam,
    func,
    select,
    true,
)

from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.models import ApiKey
from app.api_keys.service import Grant, StoredKey
from app.infra.database.driver_select import DriverSelect
from app.infra.database.group_read import GroupReader
from app.infra.database.writer import LIMIT_SECONDS
from app.infra.stalls import Pulse
from app.linking.link_object import LinkObject
from app.linking.link_queries import Pair
from app.linking.models import Link

# The id of a key, a page, and a person on it.
_Question: TypeAlias = tuple[str, str, str]

_KEY: Final = [getattr(ApiKey, name) for name in StoredKey._fields]
_NAMES: Final = LinkObject.__struct_fields__
_LINK_AT: Final = 1 + len(_KEY)
# Links are read for whoever has a key: to others no look-up costs more than that of the key.
_KEY_EXISTS: Final = ApiKey.id.is_not(None)
_LINK: Final = [getattr(Link, name) for name in _NAMES]


class _Answer(NamedTuple):
    key: StoredKey | None
    link: LinkObject | None


class LookUps:
    """Looks up links for callers on an event loop."""

    def __init__(self, engine: Engine, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._dialect = engine.dialect
        self._reader = GroupReader(engine, self._answers, limit_seconds=limit_seconds)

    async def find(
        self, key: str, pairs: Sequence[Pair], *, at: datetime
    ) -> tuple[Grant, Sequence[LinkObject | None]]:
        """Return the rights of *key*, and the link of each of *pairs*, even where it has no right.

        *key* has the form of one, and there is at least one pair.

        Raises:
            KeyRefused: The key is unknown, revoked or expired.
            NotCommitted: The database is too busy.
        """
        key_id = tokens.id_of(key)
        answers = await self._reader.ask([(key_id, *pair) for pair in pairs])
        return keys.grant_of(answers[0].key, key, at=at), [answer.link for answer in answers]

    @property
    def pulse(self) -> Pulse:
        """The pulse of the thread that reads."""
        return self._reader.pulse

    def close(self) -> None:
        """Close the connection to the database."""
        self._reader.close()

    @cached_property
    def _select(self) -> DriverSelect:
        is_sqlite = self._dialect.name == "sqlite"
        return DriverSelect(_on_sqlite() if is_sqlite else _on_postgresql(), self._dialect)

    def _answers(self, connection: Connection, questions: Sequence[_Question]) -> Sequence[_Answer]:
        answers = [_Answer(None, None)] * len(questions)
        wanted = _WANTED[self._dialect.name](questions)
        for row in self._select.rows(connection, wanted):
            key, link = row[1:_LINK_AT], row[_LINK_AT:]
            answers[row[0]] = _Answer(
                None if key[0] is None else StoredKey(*key),
                None if link[0] is None else LinkObject(**dict(zip(_NAMES, link, strict=True))),
            )
        return answers


def _on_sqlite() -> Select[Any]:
    wanted = func.json_each(bindparam("wanted")).table_valued("key", "value", name="wanted")
    key_id, page_id, psid = (func.json_extract(wanted.c.value, f"$[{n}]") for n in range(3))
    its_link = (
        _KEY_EXISTS & (Link.page_id == page_id) & (Link.psid == psid) & (Link.state == "linked")
    )
    return select(wanted.c.key, *_KEY, *_LINK).select_from(
        wanted.outerjoin(ApiKey, ApiKey.id == key_id).outerjoin(Link, its_link)
    )


def _on_postgresql() -> Select[Any]:
    lists = (bindparam(name, type_=ARRAY(String)) for name in ("keys", "pages", "psids"))
    wanted = (
        func.unnest(*lists)
        .table_valued("key_id", "page_id", "psid", with_ordinality="number")
        .render_derived(name="wanted")
    )
    # With LIMIT the link is found by its key, whatever the tables looked like when the plan was
    # made, which PostgreSQL keeps.
    its_link = (
        select(*_LINK)
        .where(
            _KEY_EXISTS,
            Link.page_id == wanted.c.page_id,
            Link.psid == wanted.c.psid,
            Link.state == "linked",
        )
        .limit(1)
        .lateral("its_link")
    )
    return select(wanted.c.number - 1, *_KEY, *its_link.c).select_from(
        wanted.outerjoin(ApiKey, ApiKey.id == wanted.c.key_id).outerjoin(its_link, true())
    )


_WANTED: Final[Mapping[str, Callable[[Sequence[_Question]], Mapping[str, Any]]]] = {
    "sqlite": lambda questions: {"wanted": json.dumps(questions)},
    "postgresql": lambda questions: dict(
        zip(("keys", "pages", "psids"), map(list, zip(*questions, strict=True)), strict=True)
    ),
}

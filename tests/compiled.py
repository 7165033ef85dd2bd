"""Templates, addresses of routes and SQL, compiled once for all that a process of tests builds.

A server builds one application and one engine and compiles for them once; most tests build both.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any, Final

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

# More than the program has, on both databases.
_MOST_STATEMENTS: Final = 5_000


class _Templates(BytecodeCache):
    """Templates that one application has compiled; to compile is half of a page's first view."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


class _LateBuilders(Rule):
    """A route that compiles the building of its address when one is first asked for.

    To compile it for all routes is nine tenths of making an application, of which most tests make
    one, and build a few addresses at most.
    """

    def _compile_builder(
        self,
        append_unknown: bool = True,  # noqa: FBT001, FBT002 - the signature is werkzeug's
    ) -> Callable[..., tuple[str, str]]:
        compile_builder, name = super()._compile_builder, _BUILDERS[append_unknown]

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            built = compile_builder(append_unknown)
            setattr(rule, name, built.__get__(rule, None))
            return built(rule, **values)

        return build


# Where Rule.compile keeps what `_compile_builder` returns.
_BUILDERS: Final = {False: "_build", True: "_build_unknown"}


# SQLAlchemy finds a compiled statement by the statement and the dialect, of which each engine has
# one of its own: two that compile alike are one to it.
def _traits(dialect: DefaultDialect) -> tuple[Any, ...]:
    """Return all that the statements compiled by *dialect* may depend on."""
    return (
        type(dialect),
        dialect.paramstyle,
        dialect.max_identifier_length,
        getattr(dialect, "server_version_info", None),
        dialect.default_schema_name,
        getattr(dialect, "_backslash_escapes", None),
    )


def _compiles_alike(dialect: DefaultDialect, other: object) -> bool:
    return dialect is other or (
        isinstance(other, DefaultDialect) and _traits(dialect) == _traits(other)
    )


def keep() -> None:
    """Keep from now on what is compiled in this process."""
    Flask.jinja_options = {"bytecode_cache": _Templates()}
    Flask.url_rule_class = _LateBuilders
    statements = LRUCache[Any, Any](_MOST_STATEMENTS)
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        dialect.__eq__ = _compiles_alike  # type: ignore[method-assign, assignment]
        dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    Engine._compiled_cache = property(  # type: ignore[assignment]  # noqa: SLF001 - each has its own
        lambda _: statements, lambda _, __: None
    )

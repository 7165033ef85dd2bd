"""The API's fast path: look-ups answered on the event loop, without a thread and without Flask.

A bot asks who somebody is on each of their messages, so look-ups are as many as deliveries. Only a
request that plainly has a valid key is answered here, with links or with none. One that is odd in
any respect, or is to be refused, goes to Flask, where the views of `app.web.api.links` answer the
same; so does the first in each minute of a key, whose use Flask records.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
import structlog

from app.api_keys import tokens
from app.api_keys.service import USE_RECORDED_EVERY, Grant, Scope
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking.link_object import LinkObject
from app.linking.link_queries import Pair
from app.linking.references import new_reference
from app.messenger.types import PageId, Psid
from app.services.container import Services
from app.web import door_warnings, headers, request_guard, request_reference
from app.web.api.link_shapes import Found, Wanted
from app.web.api.links import LOOK_UP, ONE_LINK
from app.web.api.operations import PREFIX, decoded
from app.web.exceptions import InputRefused, ResourceNotFound
from app.web.fields import Fields
from app.web.problems.table import problem_of
from app.web.server import head
from app.web.server.limits import Refused
from app.web.server.wsgi import Answer, answer_of

log = structlog.get_logger()

# Ids in their one spelling; whatever else the API takes for an id goes to Flask.
_IDS: Final = re.compile(rb"([0-9A-Za-z_-]{1,64})/([0-9A-Za-z_-]{1,64})")
_LINKS: Final = f"{PREFIX}/links/".encode()
_MANY: Final = f"{PREFIX}{LOOK_UP}".encode()
_BEARER: Final = "Bearer "
_SCOPE: Final[Scope] = "links:read"
_NOT_FOUND: Final = problem_of(ResourceNotFound(), in_api=True)


def is_look_up(scope: head.Scope) -> bool:
    """Return whether *scope* is the head of a look-up, and claims to have a key."""
    is_one = scope["method"] == "GET" and _ids(scope["raw_path"]) is not None
    is_asked = is_one or (scope["method"] == "POST" and scope["raw_path"] == _MANY)
    return is_asked and bool(head.values_of(scope["headers"], b"authorization"))


class FastPath:
    """Answers plain look-ups with the services *built*."""

    def __init__(self, built: Services) -> None:
        self._built, self._settings = built, built.settings
        common = headers.of_data(is_production=self._settings.is_production)
        data = common | {"Content-Type": "application/json"}
        problem = common | {"Content-Type": "application/problem+json"}
        self._found = answer_of(HTTPStatus.OK, data, b"")
        # By the ids of keys, of which there are few: when one was last left to Flask.
        self._handed_at: dict[str, datetime] = {}
        self._not_found = answer_of(_NOT_FOUND.status, problem, b"")

    async def __call__(self, scope: head.Scope, content: bytes) -> Answer | None:
        """Return the answer to a look-up; None where Flask is to answer.

        Raises:
            Refused: The database takes too long.
        """
        pairs = _pairs(scope, content)
        if not pairs:
            return None
        fields = Fields(scope["headers"])
        key = _key(fields)
        if key is None or not self._is_plain(scope, fields):
            return None
        at = clock.now()
        try:
            grant, links = await self._built.look_ups.find(key, pairs, at=at)
        except NotCommitted:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "database too slow") from None
        except Exception:  # noqa: BLE001 - a key that is refused, or an error: Flask answers both
            return None
        if _SCOPE not in grant.scopes or self._is_to_be_recorded(grant, at):
            return None
        return self._answer(scope, fields, _visible(grant, pairs, links))

    def _is_to_be_recorded(self, grant: Grant, at: datetime) -> bool:
        """Return whether Flask is to record this use of the key: of all that come meanwhile, one.

        While many people sign in that takes seconds, in which all others would wait for a thread.
        """
        if not grant.is_use_due:
            return False
        handed_at = self._handed_at.get(grant.key_id)
        if handed_at is not None and abs(at - handed_at) < USE_RECORDED_EVERY:
            return False
        self._handed_at[grant.key_id] = at
        return True

    def _answer(self, scope: head.Scope, fields: Fields, links: list[LinkObject | None]) -> Answer:
        if scope["method"] == "POST":
            return self._found.with_body(msgspec.json.encode(Found(links)))
        (link,) = links
        if link is None:
            return self._nothing(scope, fields)
        return self._found.with_body(msgspec.json.encode(link))

    def _nothing(self, scope: head.Scope, fields: Fields) -> Answer:
        """Return the answer where nobody is linked, or the key may not see who is."""
        reference = new_reference()
        request_guard.name_on_loop(scope, fields, self._settings)
        request_reference.bind(reference)
        log.info(
            "request.refused",
            path=f"{PREFIX}{ONE_LINK}",
            problem=_NOT_FOUND.name,
            reason=None,
            origin=None,
        )
        body = msgspec.json.encode(_NOT_FOUND.by_rfc_9457(reference=reference), order="sorted")
        return self._not_found.with_body(body + b"\n")

    def _is_plain(self, scope: head.Scope, fields: Fields) -> bool:
        """Return whether Flask could have no reason to refuse the request, but for its key."""
        return (
            request_guard.is_plain(scope, fields, self._settings)
            and not door_warnings.is_messengers(b"", fields)
            # Only Flask begins traces.
            and self._built.spans is None
        )


def _ids(path: bytes) -> re.Match[bytes] | None:
    return _IDS.fullmatch(path, len(_LINKS)) if path.startswith(_LINKS) else None


def _pairs(scope: head.Scope, content: bytes) -> Sequence[Pair]:
    """Return whom a look-up asks for; nobody if the request is none, or Flask is to read it."""
    if scope["method"] == "GET":
        one = _ids(scope["raw_path"])
        return [(PageId(one[1].decode()), Psid(one[2].decode()))] if one and not content else []
    if scope["method"] != "POST" or scope["raw_path"] != _MANY:
        return []
    if head.values_of(scope["headers"], b"content-type") != [b"application/json"]:
        return []
    try:
        wanted = decoded(content, Wanted)
    except InputRefused:
        return []
    return [(PageId(pair.page_id), Psid(pair.psid)) for pair in wanted.pairs]


def _key(fields: Fields) -> str | None:
    """Return the API key of a request; None if it is not in its usual place, or no key."""
    given = fields.get("Authorization") or ""
    key = given.removeprefix(_BEARER)
    return key if given.startswith(_BEARER) and tokens.is_key(key) else None


def _visible(
    grant: Grant, pairs: Sequence[Pair], links: Sequence[LinkObject | None]
) -> list[LinkObject | None]:
    """Return *links* without those on pages that the key is not for."""
    if grant.page_id is None:
        return list(links)
    return [
        link if page_id == grant.page_id else None
        for (page_id, _), link in zip(pairs, links, strict=True)
    ]

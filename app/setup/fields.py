"""Subscription to fields of which Meta may refuse some, and then refuses the whole call.

It does where the token has no permission for a field that another tool has subscribed to, and where
a field no longer exists.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from app.messenger.errors import GraphRefused, TokenDead

# The webhook did not answer the handshake (Graph API, "Webhooks": error 2200): with fewer fields it
# will not either.
_NOT_ANSWERED: Final = 2200

Subscribe = Callable[[Collection[str]], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """The fields that Meta has taken, and its refusal of the whole list, if it took fewer."""

    fields: tuple[str, ...]
    refusal: GraphRefused | None = None


def subscribe_as_far_as_possible(
    subscribe: Subscribe, fields: tuple[str, ...], *, needed: Collection[str]
) -> Taken:
    """Subscribe to *fields*, without those that Meta refuses.

    Raises:
        GraphError: Meta refused what is *needed*, or everything, or for a reason of another kind.
    """
    if not fields:
        subscribe(fields)
        return Taken(fields)
    refused = _refusal_of(subscribe, fields)
    if refused is None:
        return Taken(fields)
    others = [field for field in fields if field not in needed]
    if not others:
        raise refused
    # One at a time is left out first: so a single bad one costs no other even for a moment.
    for other in others:
        kept = tuple(field for field in fields if field != other)
        refused_kept = _refusal_of(subscribe, kept) if kept else refused
        if refused_kept is None:
            return Taken(kept, refused)
        if set(kept) <= set(needed):
            raise refused_kept
    return Taken(_built_up(subscribe, tuple(needed), others, refused), refused)


def _built_up(
    subscribe: Subscribe, needed: tuple[str, ...], others: Collection[str], refused: GraphRefused
) -> tuple[str, ...]:
    kept = needed
    if kept and (refused_needed := _refusal_of(subscribe, kept)):
        raise refused_needed
    for other in others:
        if _refusal_of(subscribe, (*kept, other)) is None:
            kept = (*kept, other)
    if not kept:
        raise refused
    return kept


def _refusal_of(subscribe: Subscribe, fields: tuple[str, ...]) -> GraphRefused | None:
    """Subscribe to *fields*; return Meta's refusal if it may be about one of them.

    Raises:
        GraphError: It was not about them.
    """
    try:
        subscribe(fields)
    except TokenDead:
        raise
    except GraphRefused as exc:
        if exc.code == _NOT_ANSWERED:
            raise
        return exc
    return None

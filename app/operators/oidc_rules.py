"""Which role an operator has who signs in at the provider, by the lists of the settings."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from app.infra.settings.console import ConsoleSettings
from app.operators.roles import Role

# A provider may send thousands; none of them is shown.
MOST_GROUPS: Final = 500
_LONGEST_GROUP: Final = 255


def role_of(settings: ConsoleSettings, subject: str, groups: Collection[str]) -> Role | None:
    """Return the highest role whose list has *subject* or one of *groups*; None if none has.

    An e-mail address is no proof of anything, and no list may hold one by that name.
    """
    words = {f"sub:{subject}", *(f"group:{group}" for group in groups)}
    lists = (
        (Role.ADMIN, settings.admins),
        (Role.SUPPORT, settings.support),
        (Role.VIEWER, settings.viewers),
    )
    return next((role for role, listed in lists if not words.isdisjoint(listed)), None)


def groups_in(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """Return the groups that *claims* has under the name *claim*; one text is one group."""
    value = claims.get(claim)
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    texts = (each for each in found if isinstance(each, str) and len(each) <= _LONGEST_GROUP)
    return tuple(sorted({*texts}))[:MOST_GROUPS]

"""The roles of operators. Each may do what the ones below it may."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A role: viewers see no person, support ends links, admins watch over both."""

    VIEWER = "viewer"
    SUPPORT = "support"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Return whether this role includes *needed*."""
        return _RANK[self] >= _RANK[needed]


_RANK: Final = {role: rank for rank, role in enumerate(Role)}

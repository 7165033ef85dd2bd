"""Failures that anybody may meet, in a sentence or two; all others are faults of ours."""

from app.infra.database.writer import NotCommitted
from app.infra.settings.settings import ConfigError
from app.messenger.errors import GraphError


def sentence(exc: Exception) -> str | None:
    """Return what to tell whoever typed the command that ended with *exc*; None for a fault."""
    match exc:
        case ConfigError():
            faults = "\n".join(f"  {fault}" for fault in str(exc).splitlines())
            return f"these settings need attention (.env.example explains each):\n{faults}"
        case NotCommitted():
            return "the database is busy or away; nothing was changed. Try again."
        case GraphError():
            return f"Graph: {exc}"
    return None

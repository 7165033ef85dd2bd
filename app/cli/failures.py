"""Expected failures of a command, in a sentence or two; every other exception is a bug."""

from app.infra.database.writer import NotCommitted
from app.infra.observability.logs import printable
from app.infra.settings.settings import ConfigError
from app.messenger.errors import GraphError
from app.messenger.graph.error_table import row_of_error


def sentence(exc: Exception) -> str | None:
    """Return the message for a command that failed with *exc*; None for a bug."""
    match exc:
        case ConfigError():
            errors = "\n".join(f"  {error}" for error in str(exc).splitlines())
            return f"these settings need attention (docs/settings.md explains each):\n{errors}"
        case NotCommitted():
            return "the database is busy or unavailable; nothing was changed. Try again."
        case GraphError():
            return f"Graph: {printable(str(exc))}. {row_of_error(exc).fix}"
    return None

"""The session of the present browser, by its cookie."""

from app.operators import sessions
from app.operators.sessions import SignedIn
from app.web.console import cookies
from app.web.console.current import now
from app.web.current import services


def session_of_browser() -> SignedIn | None:
    """Return the operator behind the cookie of the session; None if there is none, or nobody."""
    ticket = cookies.session_ticket()
    if ticket is None:
        return None
    return services().read(sessions.current, ticket, services().settings.console, at=now())

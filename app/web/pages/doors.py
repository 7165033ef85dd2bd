"""The addresses at which people can begin on our own pages, where those are on."""

from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from app.linking.session_status import Purpose
from app.web.current import services


def connect_url(page_id: str | None) -> str | None:
    """Return where a link can be begun without Messenger's Log In; None: nowhere.

    Without a page, that is the only one.
    """
    settings = services().settings
    has_door = settings.invitations.enabled and settings.invitations.connect_page
    if not has_door or (page_id is None and len(settings.pages) > 1):
        return None
    return door("connect", page_id)


def connections_url(page_id: str) -> str | None:
    """Return where people see their own connections; None: nowhere but in a log-in."""
    return door("connections", page_id) if services().settings.connections_page else None


def check_is_on(purpose: Purpose) -> None:
    """Raise NotFound unless there is a door to the pages of *purpose*."""
    settings, invitations = services().settings, services().settings.invitations
    is_on = {
        "connect": invitations.enabled
        and (invitations.connect_page or bool(invitations.connect_origins)),
        "connections": settings.connections_page,
    }
    if not is_on[purpose]:
        raise NotFound


def door(purpose: str, page_id: str | None) -> str:
    """Return the address of the door to the pages of *purpose*.

    Not by url_for(): for an invalid Host Flask makes no addresses, but its page needs some.
    """
    return f"/{purpose}?{urlencode({'page': page_id})}" if page_id else f"/{purpose}"

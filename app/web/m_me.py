"""Links into the chat of a Page: developers.facebook.com, Messenger Platform, "m.me Links"."""

from urllib.parse import urlencode

from app.web.current import services


def link(page_id: str, **query: str) -> str:
    """Return the address of the chat with the Page; *query* is ``ref`` or ``text``."""
    settings = services().settings
    names = {page.id: page.username or page.id for page in settings.pages}
    return f"{settings.invitations.m_me_url}/{names[page_id]}?{urlencode(query)}"

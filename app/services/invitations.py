"""Rules of links and addresses of the chat, as the settings of invitations have them."""

from urllib.parse import quote

from app.accounts.rate_limit_keys import RateLimitKeys
from app.infra.settings.settings import Settings
from app.linking.handlers import Policy
from app.linking.invitation_claims import ChatRules
from app.messenger.types import PageId


def policy_of(settings: Settings, rate_limit_keys: RateLimitKeys) -> Policy:
    """Return the part of the settings that decides what follows from a change of a link."""
    tells_bot = settings.bot.webhook_url is not None
    page = f"{settings.public_url}/connections?page="
    connections_url = page if settings.connections_page else None
    rules = ChatRules(
        max_links=settings.max_links_per_user,
        tells_bot=tells_bot,
        connections_url=connections_url,
        secret_keys=settings.secret_keys,
        rate_limit_keys=rate_limit_keys,
    )
    return Policy(
        frozenset(PageId(page.id) for page in settings.pages),
        tells_bot=tells_bot,
        connections_url=connections_url,
        invitations=rules if settings.invitations.enabled else None,
    )


def ref_link(settings: Settings, page_id: PageId, ref: str) -> str:
    """Return the address that leads into the chat of *page_id*, and brings *ref* there."""
    return f"{_chat(settings, page_id)}?ref={ref}"


def text_link(settings: Settings, page_id: PageId, text: str) -> str:
    """Return the address that leads into the chat of *page_id*, with *text* ready to be sent."""
    return f"{_chat(settings, page_id)}?text={quote(text, safe='')}"


def _chat(settings: Settings, page_id: PageId) -> str:
    name = next((page.username for page in settings.pages if page.id == page_id), "")
    return f"{settings.invitations.m_me_url}/{name or page_id}"

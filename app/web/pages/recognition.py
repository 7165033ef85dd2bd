from typing import Final

from app.accounts import rate_limiter
from app.infra import clock
from app.infra.network.http_client import Deadline
from app.linking import attempts
from app.messenger.errors import LinkingTokenRefused
from app.messenger.types import PageId, Psid
from app.web import rate_limits
from app.web.current import services
from app.web.pages.attempt_cookie import AttemptCookie


def recognise(held: AttemptCookie, page_id: PageId) -> Psid:
    """Ask Messenger whose account_linking_token it is, and remember the answer."""
    refused = services().rate_limit_keys.refused_tokens(rate_limits.address())
    rate_limits.check(refused)
    graph, deadline = services().graph[page_id], Deadline(PATIENCE_S)
    try:
        psid = graph.recipient_for(held.account_linking_token, deadline=deadline)
    except LinkingTokenRefused:
        services().write(rate_limiter.hit, refused, at=clock.now())
        services().write(attempts.refuse, held.ticket, attempts.TOKEN_REFUSED, at=clock.now())
        raise
    name = graph.profile_name(psid, deadline=deadline)
    services().write(attempts.recognise, held.ticket, psid, name, at=clock.now())
    return psid


# A person waits for Graph's two answers no longer than this (security.md R103).
PATIENCE_S: Final = 4.0

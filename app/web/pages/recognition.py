"""Asks Graph for the person behind an account_linking_token; logs who has signed in."""

from typing import Final

import structlog

from app.accounts.identity import Identity
from app.infra import clock
from app.infra.network.http_client import Deadline
from app.linking import attempts, flow
from app.linking.attempt_events import Kind
from app.linking.values import TOKEN_REFUSED
from app.messenger.errors import LinkingTokenRefused
from app.messenger.types import PageId, Psid
from app.web import obstacles, rate_limits
from app.web.current import services
from app.web.pages.attempt_cookie import AttemptCookie

log = structlog.get_logger()

# For all of Graph's answers to one request of a person, who is waiting (R103).
GRAPH_PATIENCE_S: Final = 4.0


def log_sign_in(identity: Identity) -> None:
    """Log who has signed in."""
    log.info("sign_in.done", issuer=identity.issuer, subject=identity.subject)


def recognise(cookie: AttemptCookie, page_id: PageId) -> Psid:
    """Return the person that the attempt's account_linking_token belongs to, and record the name.

    The token counts as refused while Graph is asked.

    Raises:
        LinkingTokenRefused: Messenger does not know the token; the attempt is ended.
        RateLimited: Too many tokens from this address were refused.
        Busy: Too many requests are slow at this moment.
        GraphError: Messenger does not answer.
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    counters = services().rate_limit_keys.refused_tokens(rate_limits.address())
    graph, deadline = services().graph[page_id], Deadline(GRAPH_PATIENCE_S)
    try:
        with (
            rate_limits.counted(counters, wrong=LinkingTokenRefused) as hit,
            services().admission.enter(),
        ):
            psid = graph.recipient_for(cookie.account_linking_token, deadline=deadline)
            name = graph.profile(psid, deadline=deadline).name
            if name is None:
                obstacles.note(Kind.NAME_WITHHELD, subject="profile_name")
            services().write(flow.recognise, cookie.ticket, psid, name, hit, at=clock.now())
    except LinkingTokenRefused:
        # Outside the count: an attempt that is over by now refunds no token.
        services().write(attempts.refuse, cookie.ticket, TOKEN_REFUSED, at=clock.now())
        raise
    return psid

"""The person behind an account_linking_token, whom Graph is asked for; the log of sign-ins."""

from typing import Final

import structlog

from app.accounts.identity import Identity
from app.infra import clock
from app.infra.network.http_client import Deadline
from app.infra.observability import metrics
from app.linking import attempts, flow
from app.linking.attempt_events import Kind
from app.linking.values import REGION, TOKEN_REFUSED, NameOutcome, Recognised
from app.messenger.display_names import clean_name, resembles
from app.messenger.errors import LinkingTokenRefused, RegionRefused
from app.messenger.graph.profiles import Profile
from app.messenger.types import PageId, Psid
from app.web import obstacles, rate_limits
from app.web.current import services
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import shown_brand

log = structlog.get_logger()

# For all of Graph's answers to one request of a person, who is waiting (R103).
GRAPH_PATIENCE_S: Final = 4.0


def log_sign_in(identity: Identity) -> None:
    """Log who has signed in."""
    log.info("sign_in.done", issuer=identity.issuer, subject=identity.subject)


def recognise(cookie: AttemptCookie, page_id: PageId) -> Psid:
    """Return the person that the attempt's account_linking_token belongs to, and record the name.

    The token counts as refused while Graph is asked.

    Without a name, CONFIRM_IN_CHAT decides what the person has to do.

    Raises:
        LinkingTokenRefused: Messenger does not know the token; the attempt is ended.
        RegionRefused: Meta's rules do not allow the link; the attempt is ended.
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
            with_picture = services().settings.pictures.shown
            profile = graph.profile(psid, with_picture=with_picture, deadline=deadline)
            if profile.failure and services().settings.confirm_in_chat == "never":
                # To ask again is then the only thing that protects the person.
                raise profile.failure
            person = Recognised(psid, profile.name, _outcome(page_id, profile), profile.picture_url)
            services().write(
                flow.recognise,
                cookie.ticket,
                person,
                hit,
                renewal_key=cookie.renewal_key,
                at=clock.now(),
            )
    except LinkingTokenRefused:
        # Outside the count: an attempt that is over by now refunds no token.
        services().write(attempts.refuse, cookie.ticket, TOKEN_REFUSED, at=clock.now())
        raise
    except RegionRefused:
        services().write(attempts.refuse, cookie.ticket, REGION, at=clock.now())
        raise
    _tell(person, profile)
    return psid


def _outcome(page_id: PageId, profile: Profile) -> NameOutcome:
    if name := clean_name(profile.name or ""):
        is_like = resembles(name, shown_brand(page_id).name)
        return NameOutcome.LIKE_BRAND if is_like else NameOutcome.NAMED
    is_unavailable = profile.source == "unavailable"
    return NameOutcome.UNAVAILABLE if is_unavailable else NameOutcome.WITHHELD


def _tell(person: Recognised, profile: Profile) -> None:
    """Count, log and note what Messenger has told of the name; none of them has the name."""
    is_named = person.outcome in {NameOutcome.NAMED, NameOutcome.LIKE_BRAND}
    if person.picture_url is None:
        metrics.count_picture("none")
    metrics.count_name(profile.source if is_named else person.outcome)
    for miss in profile.missed:
        obstacles.note_miss(miss)
        if miss.is_withheld and not miss.was_skipped:
            code = miss.error.code if miss.error else None
            log.info("profile.name_withheld", road=miss.road, code=code)
    if is_named and profile.missed:
        obstacles.note(Kind.NAME_FOUND, subject=profile.source)
    if person.outcome is NameOutcome.LIKE_BRAND:
        obstacles.note(Kind.NAME_LIKE_BRAND)
        log.warning("profile.name_like_brand")

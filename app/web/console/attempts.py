"""The list of attempts, and the page of one: what happened, why it ended so, and what to do."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.linking import references
from app.linking.attempt_details import AttemptDetails, Parties, details_of
from app.linking.attempt_events import Kind
from app.linking.attempt_lists import (
    AttemptList,
    ListedAttempt,
    ListFilter,
    list_attempts,
    place_of,
)
from app.linking.causes.cause import Stage
from app.linking.causes.table import CAUSES
from app.linking.invitation_story import Story, story_of
from app.messenger.types import PageId
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.web.console import guard, rendering, words
from app.web.console.current import now, signed_in
from app.web.console.reading import part, read
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("attempts", __name__)

REFRESH_SECONDS: Final = 10
_FILTERS: Final = ("cause", "stage", "page", "authenticator", "since")
_STAGES: Final = tuple(stage.value for stage in Stage if stage is not Stage.NONE)


@bp.get("/attempts")
@allows(Role.VIEWER)
def list_() -> ResponseReturnValue:
    """Show the attempts that fit, newest first; live, the page loads itself again and again."""
    chosen = {name: value for name in _FILTERS if (value := words.asked(name))}
    is_live = "live" in request.args
    before = "" if is_live else words.asked("before")
    listed = part(_listed, chosen, before, at=now())
    response: Response = make_response(
        rendering.page(
            "attempts.html",
            listed=listed,
            live=is_live,
            at=now(),
            chosen=chosen,
            slugs=[slug for slug, cause in CAUSES.items() if cause.stage is not Stage.NONE],
            stages=_STAGES,
            page_ids=words.known_pages(),
            authenticators=words.known_authenticators(),
        )
    )
    if is_live:
        # Nobody may be there: the session ends as if this were none of its requests.
        guard.do_not_keep_alive()
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@bp.get("/attempts/<reference>")
@allows(Role.VIEWER, is_from_elsewhere=True)
def show(reference: str) -> ResponseReturnValue:
    """Show one attempt; who it is about only to those who may see persons."""
    known = references.normalised(reference)
    if known is None:
        raise NotFound
    if known != reference:
        return redirect(url_for("attempts.show", reference=known), 303)
    found = read(details_of, known, at=now())
    if found is None or found.timeline.state == "none":
        # What stood in its way is kept under its reference, too.
        story = read(story_of, known, at=now())
        if story is not None:
            return _invitation(story)
    if found is None:
        kept = services().settings.retention
        return rendering.page("nothing_kept.html", 404, reference=known, kept=kept)
    sees_persons = signed_in().role.may(Role.SUPPORT)
    if sees_persons:
        subject = Subject("attempt", known, found.timeline.page_id)
        guard.looked_at(subject, act=Act.VIEWED_ATTEMPT)
    return rendering.page("attempt.html", **_shown(found, sees_persons=sees_persons))


def _invitation(story: Story) -> ResponseReturnValue:
    """Return the page of an invitation, which is that of an attempt."""
    sees_persons = signed_in().role.may(Role.SUPPORT)
    if sees_persons:
        subject = Subject("invitation", story.reference, story.page_id)
        guard.looked_at(subject, act=Act.VIEWED_ATTEMPT)
    return rendering.page(
        "attempt.html",
        kind="Invitation",
        reference=story.reference,
        told=story,
        state=story.state,
        page_id=story.page_id,
        authenticator=None,
        source=story.source,
        steps=story.steps,
        owed=(),
        fixed_by=words.FIXERS[story.cause.fixed_by],
        sees_persons=sees_persons,
        has_wrong_credential=False,
        opened_elsewhere=(),
        parties=story.parties if sees_persons else None,
        others=(),
    )


def _shown(found: AttemptDetails, *, sees_persons: bool) -> dict[str, Any]:
    timeline = found.timeline
    return {
        "reference": timeline.reference,
        "kind": "Request" if timeline.state == "none" else "Attempt",
        "told": timeline.conclusion,
        "state": timeline.state,
        "page_id": timeline.page_id,
        "authenticator": timeline.authenticator,
        "source": None,
        "steps": timeline.steps,
        "owed": timeline.owed,
        "fixed_by": words.fixer_of(timeline.conclusion.cause.slug),
        "sees_persons": sees_persons,
        "has_wrong_credential": any(
            event.kind == Kind.CREDENTIALS_WRONG for event in timeline.events
        ),
        "opened_elsewhere": found.opened_elsewhere,
        "parties": found.parties if sees_persons else None,
        "others": _others(found.parties, timeline.reference) if sees_persons else None,
    }


def _others(parties: Parties | None, reference: str) -> tuple[ListedAttempt, ...] | None:
    """Return the other attempts of the person, or else of the user; None if they are not read."""
    if parties is None or not (parties.psid or parties.user):
        return ()
    theirs = ListFilter(
        page_id=parties.page_id if parties.psid else None,
        psid=parties.psid,
        user=None if parties.psid else parties.user,
    )
    listed = part(list_attempts, theirs, at=now())
    if listed is None:
        return None
    return tuple(one for one in listed.attempts if one.reference != reference)


def _listed(
    session: Session, chosen: Mapping[str, str], before: str, *, at: datetime
) -> AttemptList:
    since = chosen.get("since")
    wanted = ListFilter(
        # One that has been deleted meanwhile is older than all that are left.
        before=place_of(session, before) if before else None,
        since=_day(since) if since else None,
        page_id=PageId(chosen["page"]) if "page" in chosen else None,
        cause=chosen.get("cause"),
        stage=chosen.get("stage"),
        authenticator=chosen.get("authenticator"),
    )
    return list_attempts(session, wanted, at=at)


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None

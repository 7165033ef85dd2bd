"""The page of a Messenger person on one Page, and the end of their link."""

from functools import partial
from typing import Final

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.linking import handlers
from app.linking.attempt_lists import ListFilter, list_attempts
from app.linking.invitation_story import stories_of_person
from app.linking.profiles import PersonProfile, person_profile
from app.linking.values import LinkValue
from app.messenger.types import PageId, Psid
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.web.console import guard, rendering
from app.web.console.current import now
from app.web.console.questions import NO_REASON, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("people", __name__)

# Of ends in the history and in notices: the API's and the commands' are others.
CAUSE: Final = "console"
_LONGEST: Final = 64


@bp.get("/people/<page_id>/<psid>")
@allows(Role.SUPPORT, look=Act.VIEWED_PERSON)
def show(page_id: str, psid: str) -> ResponseReturnValue:
    """Show the person: link, history, attempts, and what is owed."""
    found = _found(page_id, psid)
    guard.looked_at(_subject(page_id, psid))
    theirs = ListFilter(page_id=PageId(page_id), psid=Psid(psid))
    return rendering.page(
        "person.html",
        page_id=page_id,
        psid=psid,
        found=found,
        listed=part(list_attempts, theirs, at=now()),
        invitations=part(stories_of_person, PageId(page_id), Psid(psid), at=now()),
        kept=kept_words(),
    )


@bp.get("/people/<page_id>/<psid>/unlink")
@allows(Role.SUPPORT, look=Act.VIEWED_PERSON, is_fresh=True)
def ask_unlink(page_id: str, psid: str) -> ResponseReturnValue:
    """Ask whether the person is to be disconnected."""
    found = _found(page_id, psid)
    return ask(_question(page_id, psid, found.link), about=_subject(page_id, psid))


@bp.post("/people/<page_id>/<psid>/unlink")
@allows(Role.SUPPORT, look=Act.VIEWED_PERSON, act=Act.UNLINKED, is_fresh=True)
def unlink(page_id: str, psid: str) -> ResponseReturnValue:
    """End the link of the person, and what is on its way to be one (F7)."""
    found = _found(page_id, psid)
    if not has_reason():
        return ask(
            _question(page_id, psid, found.link), about=_subject(page_id, psid), problem=NO_REASON
        )
    end = partial(
        handlers.end_one,
        page_id=PageId(page_id),
        psid=Psid(psid),
        cause=CAUSE,
        policy=services().policy,
        at=now(),
    )
    guard.done(_subject(page_id, psid), end)
    return redirect(url_for("people.show", page_id=page_id, psid=psid), 303)


def kept_words() -> str:
    """Return how long attempts are kept, for a list without any."""
    return f"Attempts are kept for {services().settings.retention.failed_attempts.days} days."


def _found(page_id: str, psid: str) -> PersonProfile:
    if max(len(page_id), len(psid)) > _LONGEST or not (page_id + psid).isprintable():
        raise NotFound
    return read(person_profile, PageId(page_id), Psid(psid))


def _subject(page_id: str, psid: str) -> Subject:
    return Subject("person", psid, page_id)


def _question(page_id: str, psid: str, link: LinkValue | None) -> Question:
    is_linked = link is not None and link.state == "linked"
    names = (link.messenger_name, link.display_name) if link and is_linked else ()
    first = (
        "The link of this person ends now, and every attempt of theirs to connect that is under "
        "way. Messenger shows Log In to them again; your bot is told. They can reconnect at any "
        "time."
        if is_linked
        else "This person is not connected. Their attempts that are under way end now, also those "
        "that Messenger has not confirmed yet. They can connect at any time."
    )
    return Question(
        title="Disconnect this person?",
        who=[name for name in names if name],
        sentence=first,
        button="Disconnect",
        back=url_for("people.show", page_id=page_id, psid=psid),
    )

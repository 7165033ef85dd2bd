"""The page of a user of the business, and the end of all their links."""

from functools import partial

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.local import AccountValue
from app.linking import handlers
from app.linking.attempt_lists import ListFilter, list_attempts
from app.linking.invitation_story import stories_of_user
from app.linking.profiles import UserProfile, user_profile
from app.linking.values import User
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.web.console import guard, rendering
from app.web.console.current import now
from app.web.console.people import CAUSE, kept_words
from app.web.console.questions import NO_REASON, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows
from app.web.console.words import from_path, in_path
from app.web.current import services

bp = Blueprint("users", __name__)


@bp.get("/users/<issuer>/<subject>")
@allows(Role.SUPPORT, look=Act.VIEWED_USER)
def show(issuer: str, subject: str) -> ResponseReturnValue:
    """Show the user: links, attempts, and the built-in account if it is one."""
    user = _user(issuer, subject)
    found, account = read(_profile, user)
    guard.looked_at(subject_of(user))
    return rendering.page(
        "user.html",
        user=user,
        found=found,
        account=account,
        listed=part(list_attempts, ListFilter(user=user), at=now()),
        invitations=part(stories_of_user, user, at=now()),
        kept=kept_words(),
    )


@bp.get("/users/<issuer>/<subject>/unlink-all")
@allows(Role.SUPPORT, look=Act.VIEWED_USER, is_fresh=True)
def ask_unlink_all(issuer: str, subject: str) -> ResponseReturnValue:
    """Ask whether all links of the user are to end."""
    user = _user(issuer, subject)
    found, _ = read(_profile, user)
    return ask(_question(user, found), about=subject_of(user))


@bp.post("/users/<issuer>/<subject>/unlink-all")
@allows(Role.SUPPORT, look=Act.VIEWED_USER, act=Act.UNLINKED_ALL, is_fresh=True)
def unlink_all(issuer: str, subject: str) -> ResponseReturnValue:
    """End all links of the user, and what is on its way to be one (F7)."""
    user = _user(issuer, subject)
    if not has_reason():
        found, _ = read(_profile, user)
        return ask(_question(user, found), about=subject_of(user), problem=NO_REASON)
    end = partial(handlers.end_all, user=user, cause=CAUSE, policy=services().policy, at=now())
    guard.done(subject_of(user), end)
    return redirect(url_for("users.show", issuer=issuer, subject=subject), 303)


def subject_of(user: User) -> Subject:
    """Return *user* as the audit names them."""
    return Subject("user", f"{user.issuer} {user.subject}")


def _user(issuer: str, subject: str) -> User:
    return User(from_path(issuer), from_path(subject))


def _profile(session: Session, user: User) -> tuple[UserProfile, AccountValue | None]:
    is_local = user.issuer == local.ISSUER
    account = local.find_by_subject(session, user.subject) if is_local else None
    return user_profile(session, user), account


def _question(user: User, found: UserProfile) -> Question:
    linked = [link for link in found.links if link.state == "linked"]
    count = "1 link" if len(linked) == 1 else f"{len(linked)} links"
    return Question(
        title="Disconnect this user everywhere?",
        who=[name for link in linked[:1] if (name := link.display_name)],
        sentence=(
            f"{count} of this user end now, on every Page, and every attempt to connect that is "
            "under way. Messenger shows Log In again; your bot is told. The account itself stays: "
            "they can reconnect at any time."
        ),
        button="Disconnect all",
        back=url_for("users.show", issuer=in_path(user.issuer), subject=in_path(user.subject)),
    )

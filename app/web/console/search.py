"""The search: a reference, a PSID, a name to sign in by, an account or a customer number, exactly.

The term travels in a form and is kept nowhere. Only whole terms are found, so that nobody can read
through the customers (docs/security.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import meant_name
from app.accounts.local import LONGEST_NAME, AccountValue
from app.linking import references, sign_in_names
from app.linking.invitation_story import story_of
from app.linking.profiles import known_users, people_of_psid
from app.linking.timeline import timeline_of
from app.linking.values import User
from app.messenger.types import PageId, Psid
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.privacy import requests
from app.web.console import guard, rendering, words
from app.web.console.current import now
from app.web.console.privacy import WORDS
from app.web.console.reading import read
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("search", __name__)

_PSID_LENGTHS: Final = range(10, 21)
_NOTHING: Final = (
    "Nobody signs in by that name here, and no reference, PSID or customer number is like it. "
    "Spell it as the customer does when signing in; an attempt that failed is found by the "
    "reference on its page alone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A person of a Page, an account, or a user; what it is not is None."""

    page_id: PageId | None = None
    psid: Psid | None = None
    is_linked: bool = False
    account: AccountValue | None = None
    user: User | None = None

    @property
    def view(self) -> tuple[str, dict[str, Any]]:
        """The view that shows it, and the values of its address."""
        if self.psid is not None:
            return "people.show", {"page_id": self.page_id or "", "psid": self.psid}
        if self.account is not None:
            return "accounts.show", {"subject": self.account.subject}
        assert self.user is not None  # noqa: S101 - one of the three is given
        issuer, subject = words.in_path(self.user.issuer), words.in_path(self.user.subject)
        return "users.show", {"issuer": issuer, "subject": subject}


@bp.get("/search")
@allows(Role.SUPPORT)
def show() -> ResponseReturnValue:
    """Show the form."""
    return _page()


@bp.post("/search")
@allows(Role.SUPPORT, look=Act.SEARCHED)
def find() -> ResponseReturnValue:
    """Look for the term; go to what alone was found."""
    term = request.form.get("term", "").strip()
    if not term or len(term) > LONGEST_NAME or "\x00" in term:
        guard.looked_at(Subject("nothing", "0"))
        return _page(problem="Enter what you look for.")
    reference = references.normalised(term)
    if reference is not None and any(
        read(of, reference, at=now()) for of in (timeline_of, story_of)
    ):
        guard.looked_at(Subject("reference", "1"))
        return redirect(url_for("attempts.show", reference=reference), 303)
    if reference is not None and (asked := read(requests.find, reference)):
        guard.looked_at(Subject("privacy_request", "1"))
        told = f"{asked.asked_at:%d %b %Y}: {WORDS[asked.state]}"
        return _page(problem=f"{reference} is a privacy request of {told}.")
    kind, hits = _hits(term)
    guard.looked_at(Subject(kind, str(len(hits))))
    if len(hits) == 1:
        view, values = hits[0].view
        return redirect(url_for(view, **values), 303)
    if hits:
        return _page(hits=hits)
    return _page(problem=_kept(reference) if reference is not None else _NOTHING)


def _page(problem: str = "", hits: Sequence[Hit] = ()) -> ResponseReturnValue:
    return rendering.page("search.html", problem=problem, hits=hits)


def _hits(term: str) -> tuple[str, Sequence[Hit]]:
    """Return the kind of *term*, and what is found by it."""
    is_number = term.isascii() and term.isdigit()
    if is_number and len(term) in _PSID_LENGTHS:
        people = read(people_of_psid, Psid(term), services().page_ids)
        if people:
            return "psid", [
                Hit(page_id=page_id, psid=Psid(term), is_linked=is_linked)
                for page_id, is_linked in people.items()
            ]
    name_hashes = services().name_hasher.candidates(meant_name(term))
    users = [User(issuer, term) for issuer in words.known_issuers()]
    return "name", read(_by_name, term, name_hashes, users)


def _by_name(
    session: Session, term: str, name_hashes: Sequence[str], users: Sequence[User]
) -> Sequence[Hit]:
    account = local.find(session, term)
    found = dict.fromkeys(
        [*sign_in_names.users_of(session, name_hashes), *known_users(session, users)]
    )
    if account is None:
        return [Hit(user=user) for user in found]
    owner = User(local.ISSUER, account.subject)
    return [Hit(account=account), *(Hit(user=user) for user in found if user != owner)]


def _kept(reference: str) -> str:
    kept = services().settings.retention
    return (
        f"Nothing is kept under {reference}. Attempts are kept for {kept.failed_attempts.days} "
        f"days, and for less where nobody was recognised. On the server: journalctl -u threadlink "
        f"| grep {reference}"
    )

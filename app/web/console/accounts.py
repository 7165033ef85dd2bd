"""The built-in accounts: one by its name, to admins all by name; disabling and enabling one."""

from collections.abc import Callable
from functools import partial
from typing import Final

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.accounts import local
from app.accounts.first_passwords import LIFE
from app.accounts.local import AccountValue
from app.linking import account_changes
from app.linking.attempt_lists import ListFilter, list_attempts
from app.linking.values import User
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.web.console import guard, rendering, words
from app.web.console.current import now, signed_in
from app.web.console.people import kept_words
from app.web.console.questions import NO_REASON, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("accounts", __name__)

SHOWN: Final = 50
_NONE: Final = (
    "There is no built-in account of that name. People of a directory or a provider have none "
    "here: use Search."
)


@bp.get("/accounts")
@allows(Role.SUPPORT)
def list_() -> ResponseReturnValue:
    """Show the form; to an admin also the accounts, behind the one that the address names."""
    return _page()


@bp.post("/accounts")
@allows(Role.SUPPORT, look=Act.SEARCHED)
def find() -> ResponseReturnValue:
    """Go to the account of the name that was typed."""
    account = read(local.find, request.form.get("username", ""))
    guard.looked_at(Subject("account", str(int(account is not None))))
    if account is None:
        return _page(_NONE)
    return redirect(url_for("accounts.show", subject=account.subject), 303)


@bp.get("/accounts/<subject>")
@allows(Role.SUPPORT, look=Act.VIEWED_ACCOUNT)
def show(subject: str) -> ResponseReturnValue:
    """Show the account, and the attempts in which its owner has signed in."""
    account = _found(subject)
    guard.looked_at(_subject(account))
    user = User(local.ISSUER, account.subject)
    return rendering.page(
        "account.html",
        account=account,
        user=user,
        password=_password(account),
        listed=part(list_attempts, ListFilter(user=user), at=now()),
        kept=kept_words(),
    )


@bp.get("/accounts/<subject>/disable")
@allows(Role.SUPPORT, look=Act.VIEWED_ACCOUNT, is_fresh=True)
def ask_disable(subject: str) -> ResponseReturnValue:
    """Ask whether the account is to be disabled."""
    account = _found(subject)
    return ask(_to_disable(account), about=_subject(account))


@bp.post("/accounts/<subject>/disable")
@allows(Role.SUPPORT, look=Act.VIEWED_ACCOUNT, act=Act.ACCOUNT_DISABLED, is_fresh=True)
def disable(subject: str) -> ResponseReturnValue:
    """Disable the account, end its links, and what is on its way to be one."""
    account = _found(subject)
    if not has_reason():
        return ask(_to_disable(account), about=_subject(account), problem=NO_REASON)
    at = now()
    close = partial(
        account_changes.close_account,
        close=partial(local.disable, at=at),
        username=account.username,
        policy=services().policy,
        at=at,
    )
    return _changed(account, close)


@bp.get("/accounts/<subject>/enable")
@allows(Role.SUPPORT, look=Act.VIEWED_ACCOUNT, is_fresh=True)
def ask_enable(subject: str) -> ResponseReturnValue:
    """Ask whether the account may be used again."""
    account = _found(subject)
    return ask(_to_enable(account), about=_subject(account))


@bp.post("/accounts/<subject>/enable")
@allows(Role.SUPPORT, look=Act.VIEWED_ACCOUNT, act=Act.ACCOUNT_ENABLED, is_fresh=True)
def enable(subject: str) -> ResponseReturnValue:
    """Enable the account again."""
    account = _found(subject)
    if not has_reason():
        return ask(_to_enable(account), about=_subject(account), problem=NO_REASON)
    return _changed(account, partial(local.enable, username=account.username))


def _page(problem: str = "") -> ResponseReturnValue:
    accounts = None
    if signed_in().role.may(Role.ADMIN):
        after = words.asked("after")
        guard.looked_at(Subject("accounts", after), act=Act.VIEWED_ACCOUNTS)
        accounts = read(local.page_of_accounts, after=after, most=SHOWN + 1)
    return rendering.page(
        "accounts.html",
        problem=problem,
        accounts=accounts and accounts[:SHOWN],
        rest=accounts[SHOWN - 1].subject if accounts and len(accounts) > SHOWN else None,
    )


def _found(subject: str) -> AccountValue:
    account = read(local.find_by_subject, subject) if subject.isprintable() else None
    if account is None:
        raise NotFound
    return account


def _subject(account: AccountValue) -> Subject:
    return Subject("account", account.subject)


def _changed(account: AccountValue, change: Callable[[Session], object]) -> ResponseReturnValue:
    guard.done(_subject(account), change)
    return redirect(url_for("accounts.show", subject=account.subject), 303)


def _password(account: AccountValue) -> str:
    if not account.password_is_first:
        return "its owner’s"
    set_at = account.password_set_at
    if set_at is not None and now() - set_at >= LIFE:
        return "a first one, which has expired"
    return "a first one, to be changed at the next sign-in"


def _to_disable(account: AccountValue) -> Question:
    return Question(
        title="Disable this account?",
        who=[account.username],
        sentence=(
            "Nobody can sign in with it until somebody enables it. Its links end now, on every "
            "Page, and every attempt to connect that is under way. Links that have ended stay "
            "ended when it is enabled again."
        ),
        button="Disable",
        back=url_for("accounts.show", subject=account.subject),
    )


def _to_enable(account: AccountValue) -> Question:
    return Question(
        title="Enable this account?",
        who=[account.username],
        sentence=(
            "Its owner can sign in again with the password of before. The links that were ended "
            "stay ended: they connect anew."
        ),
        button="Enable",
        back=url_for("accounts.show", subject=account.subject),
    )

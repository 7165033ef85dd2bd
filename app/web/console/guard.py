"""Looks and acts of operators, each with its row in the audit (R138).

A view calls `looked_at` before it answers with a person's data, and does an act by `done`. Which
one it is stands in its rule: see `rules.allows`.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from flask import g, request
from sqlalchemy.orm import Session

from app.infra.database.writer import NotCommitted
from app.infra.observability import metrics
from app.messenger.display_names import clean_line
from app.operators import audit
from app.operators.acts import NOTHING, Act, Actor, Subject
from app.operators.audit import TooManyActs, TooManyLooks
from app.operators.roles import Role
from app.web import request_reference
from app.web.console.current import now, signed_in
from app.web.console.problems import AuditNotWritten, NotFresh, RoleRefused
from app.web.console.rules import Rule, current_rule
from app.web.current import services

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger()


def actor() -> Actor:
    """Return the operator of the present request, as the audit names it."""
    operator = signed_in()
    return actor_as(operator.actor, operator.name, role=operator.role.value)


def actor_as(actor: str, name: str, *, role: str = "") -> Actor:
    """Return an actor of the present request who may not be signed in yet, or any more."""
    return Actor(
        actor=actor,
        name=name,
        role=role,
        address=request.remote_addr or "",
        reference=request_reference.current(),
    )


def looked_at(subject: Subject = NOTHING, *, act: Act | None = None) -> None:
    """Commit the row of a look at *subject*; *act* is that of the view's rule.

    Raises:
        AuditNotWritten: It could not be committed: nothing may be shown.
        TooManyLooks: The operator has looked at 120 people in this hour.
    """
    looked = act or _rule().look
    assert looked is not None  # noqa: S101 - a view without a look has no reason to call this
    try:
        services().write(audit.look, actor(), looked, subject, at=now())
    except NotCommitted as exc:
        log.error("audit.not_written", act=str(looked))  # noqa: TRY400 - no error of ours to trace
        raise AuditNotWritten from exc
    except TooManyLooks:
        log.error("console.many_views", name=signed_in().name, most=audit.MOST_LOOKS)  # noqa: TRY400 - as above
        _note_refused(looked, subject)
        raise
    g.is_recorded = True
    log.info("console.viewed", act=str(looked), kind=subject.kind, subject=subject.id, times=1)


def done(
    subject: Subject,
    use_case: Callable[Concatenate[Session, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Run *use_case* and commit it together with its row; return what it returned.

    The reason is the field of that name in the form.

    Raises:
        TooManyActs: The operator has acted 30 times in this hour; nothing was changed.
        NotCommitted: The database is busy or cannot be reached.
    """
    act = _rule().act
    assert act is not None  # noqa: S101 - a view without an act has no reason to call this
    row_of, at = actor(), now()
    # No database keeps every character, and none that is not seen belongs into the audit.
    reason = clean_line(request.form.get("reason", ""))

    def both(session: Session) -> R:
        audit.record(session, row_of, act, subject, reason=reason, at=at)
        return use_case(session, *args, **kwargs)

    try:
        value = services().write(both)
    except TooManyActs:
        _note_refused(act, subject)
        raise
    g.is_recorded = True
    _log_act(act, subject, "done")
    return value


def require(role: Role) -> None:
    """Refuse the present request unless the operator has *role*, where that depends on what for.

    Raises:
        RoleRefused: The operator has another one.
    """
    if not signed_in().role.may(role):
        note_refused_role(_rule())
        raise RoleRefused


def require_fresh(back: str) -> None:
    """Refuse the present request unless the operator has just signed in; then go *back*.

    Raises:
        NotFresh: The sign-in is more than ten minutes old.
    """
    if not signed_in().is_fresh(now()):
        raise NotFresh(back)


def note_refused_role(rule: Rule) -> None:
    """Note that an operator has asked for what the role does not allow.

    Raises:
        NotCommitted: The row could not be committed.
    """
    asked = rule.act or rule.look or request.endpoint or ""
    _note_refused(Act.ROLE_REFUSED, Subject("act", str(asked)[:64]))


def do_not_keep_alive() -> None:
    """Let the session end as if the present request, which a page repeats by itself, were none."""
    g.is_quiet = True


def _note_refused(act: Act, subject: Subject) -> None:
    services().write(audit.look, actor(), act, subject, result="refused", at=now())
    _log_act(act, subject, "refused")


def _log_act(act: Act, subject: Subject, result: str) -> None:
    metrics.count_operator_act(str(act))
    log.info("console.act", act=str(act), kind=subject.kind, subject=subject.id, result=result)


def _rule() -> Rule:
    rule = current_rule()
    assert rule is not None  # noqa: S101 - the gate lets no other view answer
    return rule

"""The rule of each view: who may call it, and what the audit says of it.

A view without a rule answers nobody: the gate refuses it, and a test names it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec

from flask import Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue

from app.operators.acts import Act
from app.operators.roles import Role

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

_RULE: Final = "console_rule"
_FIRST_ERROR: Final = 400
# The page of an act again, with what is wrong: it says whom the act is about, as it did before.
_ASKED_AGAIN: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule of a view. *role* None: it answers before anybody has signed in."""

    role: Role | None
    # A look, whose row is committed before the page is sent.
    look: Act | None = None
    # An act, whose row is committed with it.
    act: Act | None = None
    # Whether the sign-in must be of the last ten minutes.
    is_fresh: bool = False
    # Whether a link of another site may lead here.
    is_from_elsewhere: bool = False


class RuleMissing(RuntimeError):
    """A view says of nobody that they may call it: an error of ours."""


class NotRecorded(RuntimeError):
    """A view that has to leave a row in the audit has left none: an error of ours."""


def allows(
    role: Role,
    *,
    look: Act | None = None,
    act: Act | None = None,
    is_fresh: bool = False,
    is_from_elsewhere: bool = False,
) -> Callable[[View[P]], View[P]]:
    """Let operators of *role* call the view; the rest is as in `Rule`.

    A view with a *look* calls `guard.looked_at` before it answers, one with an *act* does it by
    `guard.done`. If it does not, there is no answer. An act that may be answered with its page
    again has the look of that page.
    """
    rule = Rule(
        role=role,
        look=look,
        act=act,
        is_fresh=is_fresh,
        is_from_elsewhere=is_from_elsewhere,
    )

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            response: Response = make_response(view(*args, **kwargs))
            _check_recorded(rule, response)
            return response

        setattr(checked, _RULE, rule)
        return checked

    return decorate


def is_open(view: View[P]) -> View[P]:
    """Let everybody call *view* whom the gate lets through, signed in or not."""
    setattr(view, _RULE, Rule(role=None, is_from_elsewhere=True))
    return view


def rule_of(view: Callable[..., Any] | None) -> Rule | None:
    """Return the rule of *view*; None if it has none."""
    rule: Rule | None = getattr(view, _RULE, None)
    return rule


def current_rule() -> Rule | None:
    """Return the rule of the view that the present request is for."""
    return rule_of(current_app.view_functions.get(request.endpoint or ""))


def _check_recorded(rule: Rule, response: Response) -> None:
    status = response.status_code
    is_shown = rule.look is not None and status == _ASKED_AGAIN
    is_done = (rule.look or rule.act) is not None and status < _FIRST_ERROR
    if (is_shown or is_done) and not g.get("is_recorded"):
        raise NotRecorded

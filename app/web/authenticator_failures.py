"""The failures of authenticators, made known to the operator: one warning, and one count."""

import structlog

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.infra.observability import metrics
from app.web.problems.problem import Problem

log = structlog.get_logger()


def tell(authenticator: str, exc: AuthenticatorUnavailable, problem: Problem) -> None:
    """Log and count *exc*, a failure of *authenticator*, which the person reads as *problem*."""
    is_wrong = isinstance(exc, AuthenticatorMisconfigured)
    name = authenticator.partition(":")[2].upper()
    log.warning(
        "authenticator.failed",
        authenticator=authenticator,
        problem=problem.name,
        reason=exc.reason,
        code=exc.code,
        # With the settings as they are called here.
        fix=exc.fix.replace("<NAME>", name) or "see whether it can be asked: threadlink doctor",
    )
    metrics.count_authenticator_failure(authenticator, "misconfigured" if is_wrong else "away")

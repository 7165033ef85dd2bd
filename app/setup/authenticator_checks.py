"""The checks of the authenticators: each is asked once whether people could sign in by it now."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from app.accounts.authenticators import Diagnosis
from app.setup import concurrently
from app.setup.concurrently import Check
from app.setup.findings import Finding, ok, problem, warning


def check_authenticators(
    checks: Mapping[str, Callable[[], Iterable[Diagnosis]]],
) -> Iterator[Finding]:
    """Yield the findings of *checks*, by the name of the authenticator; all run at once."""
    return concurrently.run(
        [
            Check(f"authenticator {name}", partial(_findings, f"authenticator {name}", check))
            for name, check in checks.items()
        ]
    )


def _findings(subject: str, check: Callable[[], Iterable[Diagnosis]]) -> Iterator[Finding]:
    for told in check():
        if not told.fix:
            yield ok(subject, told.words)
        elif told.is_minor:
            yield warning(subject, told.words, told.fix)
        else:
            yield problem(subject, told.words, told.fix)

"""The faults in what a look at Meta found, and those that it shows to be over."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.alerts.fault import Fault, FaultKey
from app.messenger.display_names import clean_name
from app.setup.findings import Finding

META: Final = "meta"
# "token of page 123", "page 123", or something of the app's.
_SUBJECT: Final = re.compile(r"(?:(?:(?P<what>.+) of )?page (?P<page>[0-9]+))|(?P<app>.+)")


@dataclass(frozen=True, slots=True)
class MetaFaults:
    """The faults that were *found*, and the keys of what is known to be in order."""

    found: tuple[Fault, ...]
    sound: frozenset[FaultKey]


def meta_faults(findings: Iterable[Finding], page_names: Mapping[str, str]) -> MetaFaults:
    """Return the faults among *findings*; *page_names* are by the ids of the Pages.

    What could not be checked is neither a fault nor in order: Meta did not answer.
    """
    learnt = [finding for finding in findings if not finding.is_unchecked]
    problems: dict[FaultKey, Finding] = {}
    for finding in learnt:
        if finding.verdict == "problem":
            problems.setdefault(key_of(finding.subject), finding)
    sound = {key_of(finding.subject) for finding in learnt}
    # The check of a Page says nothing of the Page itself where all is well.
    sound |= {
        FaultKey(f"{META}:page", key.page_id)
        for key in sound
        if key.cause == f"{META}:subscription"
    }
    return MetaFaults(
        tuple(_fault(key, finding, page_names) for key, finding in problems.items()),
        frozenset(sound - problems.keys()),
    )


def key_of(subject: str) -> FaultKey:
    """Return the key of a fault in *subject*, as a finding calls it."""
    parts = _SUBJECT.fullmatch(subject)
    assert parts is not None, "the last alternative takes everything"  # noqa: S101
    what = parts["app"] or parts["what"] or "page"
    return FaultKey(f"{META}:{what.lower().replace(' ', '_')}", parts["page"] or "")


def named(page_id: str, page_names: Mapping[str, str]) -> str:
    """Return the Page as people know it; its name is text of somebody else."""
    name = clean_name(page_names.get(page_id, ""))
    return f"page {name} ({page_id})" if name else f"page {page_id}"


def _fault(key: FaultKey, finding: Finding, page_names: Mapping[str, str]) -> Fault:
    page = named(key.page_id, page_names)
    subject = (
        finding.subject.replace(f"page {key.page_id}", page) if key.page_id else finding.subject
    )
    return Fault(key, f"{subject[:1].upper()}{subject[1:]}: {finding.words}", finding.fix)


def pages_gone(keys: Sequence[FaultKey], page_names: Mapping[str, str]) -> list[FaultKey]:
    """Return those of *keys* that are of Pages which the settings no longer have."""
    return [key for key in keys if key.page_id and key.page_id not in page_names]

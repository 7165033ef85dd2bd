"""A problem: what is answered when a request ends with an error."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer: *sentence* for people and the API's clients, *name* for other machines."""

    status: int
    name: str
    title: str
    sentence: str
    # Whether the same request may succeed in a moment.
    passes: bool = False
    # Whether the person has typed something wrong.
    is_typed: bool = False

    def about(self, label: str) -> Self:
        """Return this problem with *label*, the name of a provider, put into its sentence."""
        return replace(self, sentence=self.sentence.format(label))

    def by_rfc_9457(
        self, *, detail: str | None = None, reference: str | None = None
    ) -> dict[str, str | int | None]:
        """Return what the API answers; the type is the address of the explanation."""
        return {
            "type": f"/api/docs#{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": detail or self.sentence,
            "reference": reference,
        }

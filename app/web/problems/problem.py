"""A problem: what is answered when a request ends with an error."""

from dataclasses import dataclass, replace
from typing import Self

from app.web.languages.message import Message


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer: words for people and the API's clients, *name* for other machines.

    *sentence* says what happened, *next_step* what to do now where the sentence does not.
    """

    status: int
    name: str
    title: Message
    sentence: Message
    next_step: Message | None = None
    # Whether the same request may succeed in a moment.
    passes: bool = False
    # Whether it passes only once the server's operator has acted.
    is_ours: bool = False
    # Whether the person has typed something wrong.
    is_typed: bool = False

    def about(self, **values: str | int) -> Self:
        """Return this problem with *values*, such as the name of a provider, in its sentence."""
        return replace(self, sentence=self.sentence.with_values(**values))

    @property
    def english(self) -> str:
        """Return what happened and what to do, for the API's clients and its documentation."""
        sentences = (self.sentence, self.next_step)
        return " ".join(str(sentence) for sentence in sentences if sentence)

    def by_rfc_9457(
        self, *, detail: str | None = None, reference: str | None = None
    ) -> dict[str, str | int | None]:
        """Return what the API answers; the type is the address of the explanation."""
        return {
            "type": f"/api/docs#{self.name}",
            "title": str(self.title),
            "status": self.status,
            "detail": detail or self.english,
            "reference": reference,
        }


def english_problem(
    status: int, name: str, title: str, sentence: str, *, passes: bool = False
) -> Problem:
    """Return a problem that programs alone meet, whose words are not translated."""
    return Problem(status, name, Message(title), Message(sentence), passes=passes)

"""The figures of a drill, as a row of a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.drills.high_availability.load import Answered

# Writes and look-ups are back within so long of the promotion; a look-up ends within so long.
BACK_SECONDS: Final = 5.0
LOOK_UP_SECONDS: Final = 3.0
# What a client of this machine, which shares its processors, adds to an answer.
SLACK_SECONDS: Final = 0.5
END_SECONDS: Final = 25.0
COLUMNS: Final = (
    *("drill", "way", "writes back", "look-ups back", "longest look-up", "acknowledged", "lost"),
    *("twice", "answers", "ended in"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One drill; who is *back* refuses no request any more, so many seconds after the promotion."""

    drill: str
    way: str
    writes_back: float
    look_ups_back: float
    longest_look_up: float
    acknowledged: int
    lost: int
    twice: int
    # Deliveries that were never acknowledged.
    abandoned: int
    answers: Counter[int]
    ended_in: float
    # What was logged as an error, how often.
    errors: Counter[str]

    def cells(self) -> tuple[str, ...]:
        answers = ", ".join(f"{n} of {status}" for status, n in sorted(self.answers.items()))
        seconds = (self.writes_back, self.look_ups_back, self.longest_look_up)
        return (
            *(self.drill, self.way, *(f"{each:.1f} s" for each in seconds)),
            *(str(n) for n in (self.acknowledged, self.lost, self.twice)),
            *(answers, f"{self.ended_in:.1f} s"),
        )

    def wrong(self) -> list[str]:
        """Return what may not happen however slow the machine is."""
        problems = {
            f"{self.lost} lost": self.lost,
            f"{self.twice} posted twice": self.twice,
            f"{self.abandoned} never acknowledged": self.abandoned,
            f"answers {dict(self.answers)}": set(self.answers) - {200, 503},
            f"errors {dict(self.errors)}": self.errors,
        }
        return [what for what, is_so in problems.items() if is_so]

    def late(self) -> list[str]:
        """Return which times are over their limits."""
        limits = {
            "writes back": (self.writes_back, BACK_SECONDS),
            "look-ups back": (self.look_ups_back, BACK_SECONDS),
            "longest look-up": (self.longest_look_up, LOOK_UP_SECONDS + SLACK_SECONDS),
            "ended in": (self.ended_in, END_SECONDS),
        }
        return [what for what, (took, most) in limits.items() if took > most]


def back(answers: Sequence[Answered], since: float) -> float:
    """Return when the last answer came that was not 200, in seconds after *since*; 0 if before."""
    refused = (a.sent + a.seconds - since for a in answers if a.status != 200)
    return max(0.0, max(refused, default=0.0))


def table(rows: Sequence[Row]) -> str:
    """Return *rows* in Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

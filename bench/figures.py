"""What is claimed, and how it is judged from what was measured."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

Run = dict[str, float]
# By measurement, one run for each round.
Results = dict[str, list[Run]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; *value* is computed round by round, and the median counts."""

    name: str
    words: str
    needs: tuple[str, ...]
    value: Callable[..., float]
    least: float | None = None
    most: float | None = None

    def judge(self, results: Results) -> dict[str, str]:
        """Return the line, with what was measured and whether that is enough."""
        line = {"name": self.name, "words": self.words, "target": self._target()}
        runs = [results.get(name, []) for name in self.needs]
        if not all(runs):
            return {**line, "measured": "-", "verdict": "not measured"}
        values = [self.value(*each) for each in zip(*runs, strict=True)]
        median = statistics.median(values)
        spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
        return {**line, "measured": f"{median:.2f}{spread}", "verdict": self._verdict(median)}

    def _target(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "-" if self.most is None else f"≤ {self.most:g}"

    def _verdict(self, value: float) -> str:
        is_short = self.least is not None and value < self.least
        is_over = self.most is not None and value > self.most
        return "MISSED" if is_short or is_over else "met"


def _acks(one: Run, other: Run) -> float:
    return one["acks_s"] / other["acks_s"]


def _cpu_over_floor(ours: Run, flask: Run, commits: Run) -> float:
    return ours["cpu_us"] / (flask["cpu_us"] + commits["cpu_us"])


def _slowest(run: Run) -> float:
    return run["max_ms"]


def _drained(run: Run) -> float:
    return run["deliveries_s"]


OURS = "ours, SQLite"
NO_BOT = "ours, SQLite, log-outs"
EXPRESS, FBMQ, BOTTENDER = "Express", "fbmq", "Bottender"
EACH = "ours, PostgreSQL, one commit each"
# fmt: off
FIGURES = (
    Figure("P1", "a delivery stored and passed on ÷ Express, which stores nothing",
           (OURS, EXPRESS), _acks, least=1),
    Figure("P1a", "a log-out, its link and history ÷ Express, which stores nothing",
           (NO_BOT, EXPRESS), _acks, least=1),
    Figure("P1b", "a delivery stored and passed on ÷ fbmq, which stores and checks nothing",
           (OURS, FBMQ), _acks),
    Figure("P1c", "a delivery stored and passed on ÷ Bottender, which stores nothing",
           (OURS, BOTTENDER), _acks),
    Figure("P2", "a delivery stored and passed on ÷ raw SQLite FULL, one commit each",
           (OURS, "commit floor, one each"), _acks, least=1),
    Figure("P3", "CPU of a log-out ÷ floor (Flask + parse + group commit)",
           (NO_BOT, "Flask floor", "commit floor, group"), _cpu_over_floor, most=1.3),
    Figure("P4", "batch of 1,000, one event ours ÷ Express",
           ("ours, batch", "Express, batch"), _acks, least=0.8),
    Figure("P5", "batch of 1,000 messages, stored and passed on ÷ Express",
           ("ours, batch, passed on", "Express, batch"), _acks, least=0.8),
    Figure("P6", "PostgreSQL, group commit ÷ one commit each",
           ("ours, PostgreSQL", EACH), _acks, least=1.5),
    Figure("P8", "slowest ack in ms, SQLite, one process", (OURS,), _slowest, most=100),
    Figure("P8a", "slowest ack in ms, SQLite, two processes",
           ("ours, SQLite, two processes",), _slowest, most=100),
    Figure("P11", "start of threadlink serve to its first answer, s",
           (NO_BOT,), lambda run: run["start_s"], most=0.6),
    Figure("P11a", "memory under load, MB",
           (NO_BOT,), lambda run: run["memory_mb"], most=120),
    Figure("P12", "deliveries a second that one worker passes on, 16 in flight, SQLite",
           ("drain, SQLite",), _drained, least=1000),
    Figure("P12a", "deliveries a second that one worker passes on, 16 in flight, PostgreSQL",
           ("drain, PostgreSQL",), _drained, least=1000),
)
# fmt: on

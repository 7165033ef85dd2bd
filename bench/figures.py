"""The claimed figures, and how they are computed and judged from the measurements."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

Run = dict[str, float]
# By the name of the measurement, one run for each round.
Results = dict[str, list[Run]]

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRESQL)
# One for both databases, or one for each.
Target = float | tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure on one database; *verdict* is empty where there is no target."""

    measured: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table; *value* is computed for each round, and the median counts.

    In *needs*, the names of measurements, ``{db}`` stands for the database.
    """

    name: str
    words: str
    needs: tuple[str, ...]
    value: Callable[..., float]
    least: Target = None
    most: Target = None
    databases: tuple[str, ...] = DATABASES
    unit: str = ""

    def measurements(self, database: str) -> list[str]:
        """Return the names of the measurements that the figure needs for *database*."""
        return [name.format(db=database) for name in self.needs]

    def judge(self, results: Results, database: str) -> Judged:
        """Return the figure measured on *database*, and whether it meets the target."""
        if database not in self.databases:
            return Judged("", "")
        runs = [results.get(name, []) for name in self.measurements(database)]
        if not all(runs):
            return Judged("not measured", "")
        # A measurement made once is compared with every round of the others.
        rounds = max(map(len, runs))
        values = [
            self.value(*(each[min(number, len(each) - 1)] for each in runs))
            for number in range(rounds)
        ]
        median = statistics.median(values)
        spread = f" ({_short(min(values))} to {_short(max(values))})" if rounds > 1 else ""
        return Judged(f"{_short(median)}{self.unit}{spread}", self._verdict(median, database))

    @property
    def target(self) -> str:
        """The target, and where they differ that of each database."""
        sign = "≤" if self.least is None else "≥"
        limit = self.most if self.least is None else self.least
        limits = limit if isinstance(limit, tuple) else (limit,)
        return ", ".join(f"{sign} {each:g}{self.unit}" for each in limits if each is not None)

    def _verdict(self, value: float, database: str) -> str:
        least, most = (_of_database(limit, database) for limit in (self.least, self.most))
        if least is None and most is None:
            return ""
        is_short = least is not None and value < least
        is_over = most is not None and value > most
        return "missed" if is_short or is_over else "met"


def median_of(runs: list[Run], key: str) -> float:
    """Return the median of *key* in *runs*."""
    return statistics.median(run[key] for run in runs)


def _of_database(limit: Target, database: str) -> float | None:
    return limit[DATABASES.index(database)] if isinstance(limit, tuple) else limit


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - digits


def _acks(one: Run, other: Run) -> float:
    return one["acks_s"] / other["acks_s"]


def _cpu_over_floor(ours: Run, server: Run, commits: Run) -> float:
    return ours["cpu_us"] / (server["cpu_us"] + commits["cpu_us"])


def _of(key: str) -> Callable[[Run], float]:
    return lambda run: run[key]


OURS, LOG_OUTS, STORM = "ours, {db}", "ours, {db}, log-outs", "ours, {db}, storm"
EXPRESS_BATCH, ALONE = "Express, batch", "look-up alone, {db}"
FLOORS = ("ASGI floor", "commit floor, group")
ONLY_SQLITE, ONLY_POSTGRESQL = (SQLITE,), (POSTGRESQL,)
# fmt: off
FIGURES = (
    Figure("P1", "deliveries stored for the bot ÷ Express, which stores nothing",
           (OURS, "Express"), _acks, least=(1.4, 1.2)),
    Figure("P1a", "log-outs with link and history ÷ Express, which stores nothing",
           (LOG_OUTS, "Express"), _acks, least=(0.7, 0.45)),
    Figure("P1b", "deliveries stored, and passed on by the same process ÷ the same",
           ("ours, {db}, passed on", "Express"), _acks, databases=ONLY_SQLITE),
    Figure("P1c", "deliveries stored ÷ fbmq, which stores and checks nothing",
           (OURS, "fbmq"), _acks),
    Figure("P1d", "deliveries stored ÷ Bottender, which stores nothing",
           (OURS, "Bottender"), _acks, least=(2.5, 2.2)),
    Figure("P2", "deliveries stored ÷ raw SQLite FULL, one commit each, no HTTP",
           (OURS, "commit floor, one each"), _acks, least=1.15, databases=ONLY_SQLITE),
    Figure("P3", "processor time of a delivery ÷ floor (ASGI that checks and parses; group commit)",
           (OURS, *FLOORS), _cpu_over_floor, most=(1.6, 2)),
    Figure("P3a", "processor time of a log-out ÷ the same floor",
           (LOG_OUTS, *FLOORS), _cpu_over_floor),
    Figure("P4", "batch of 1,000, one event ours, nothing passed on ÷ Express",
           ("ours, {db}, batch", EXPRESS_BATCH), _acks, least=1),
    Figure("P5", "batch of 1,000 messages, stored for the bot in one row ÷ Express",
           ("ours, {db}, batch, stored", EXPRESS_BATCH), _acks, least=0.8),
    Figure("P5a", "the same, and passed on by the same process ÷ Express",
           ("ours, {db}, batch, passed on", EXPRESS_BATCH), _acks, databases=ONLY_SQLITE),
    Figure("P6", "group commit ÷ one commit each, the same server",
           (OURS, "ours, {db}, one commit each"), _acks, least=3),
    Figure("P7", "webhook p99 at 200/s while 64 people sign in ÷ idle",
           (STORM,), _of("storm_ratio"), most=5),
    Figure("P7a", "the same p99", (STORM,), _of("storm_p99_ms"), most=(25, 60), unit=" ms"),
    Figure("P7b", "webhook p99 at 200/s while Graph hangs and 64 people wait ÷ idle",
           (STORM,), _of("hanging_ratio"), most=5),
    Figure("P7c", "the same p99", (STORM,), _of("hanging_p99_ms"), most=(25, 60), unit=" ms"),
    Figure("P8", "slowest answer in 60 s of load, one process, 1 GiB of small deliveries waiting",
           ("ours, {db}, 60 s",), _of("max_ms"), most=100, unit=" ms", databases=ONLY_SQLITE),
    Figure("P8a", "the same, two processes",
           ("ours, {db}, 60 s, two processes",), _of("max_ms"), most=100, unit=" ms",
           databases=ONLY_SQLITE),
    Figure("P9", "disk 2 ms slower: group commit ÷ one commit each",
           ("ours, {db}, slow disk", "ours, {db}, slow disk, one commit each"), _acks, least=10,
           databases=ONLY_SQLITE),
    Figure("P10", "look-up p50 at 1,000,000 links ÷ at 10,000",
           (ALONE,), _of("many_ratio"), most=1.2),
    Figure("P10a", "the same at 10,000,000", (ALONE,), _of("most_ratio"), most=1.2),
    Figure("P11", "start of threadlink serve to its first answer",
           (LOG_OUTS,), _of("start_s"), most=0.6, unit=" s"),
    Figure("P11a", "memory of all its processes under load",
           (LOG_OUTS,), _of("memory_mb"), most=120, unit=" MB"),
    Figure("P11b", "threadlink --help", ("help",), _of("seconds"), most=0.25, unit=" s",
           databases=ONLY_SQLITE),
    Figure("P12", "deliveries a second that one worker passes on, 16 in flight",
           ("drain, {db}",), _of("deliveries_s"), least=(3000, 2500)),
    Figure("P13", "look-ups, key checked by its hash, 64 in flight ÷ Express that reads the same",
           ("look-ups, {db}", "Express, look-ups, {db}"), _acks, least=1.2),
    Figure("P14", "look-up p99 at 200/s while 64 people sign in",
           (STORM,), _of("look_up_p99_ms"), most=(25, 60), unit=" ms"),
    Figure("P15", "intake with 1 GiB of small deliveries waiting ÷ with none",
           ("ours, {db}, backlog",), _of("ratio"), least=0.9),
    Figure("P16", "log-in page, p95 of 200 views one after the other",
           (STORM,), _of("log_in_page_p95_ms"), most=20, unit=" ms"),
    Figure("P16a", "the same of the page that asks for the consent",
           (STORM,), _of("confirm_page_p95_ms"), most=20, unit=" ms"),
    Figure("P17", "slowest page of the console, p95 in the server; 10⁶ attempts, 10⁷ events",
           ("console, {db}",), _of("p95_ms"), most=50, unit=" ms"),
    Figure("P18", "deliveries stored: two processes ÷ one, on both cores",
           ("deliveries, {db}, two processes", "deliveries, {db}, one process"), _acks, least=1.6,
           databases=ONLY_POSTGRESQL),
    Figure("P18a", "look-ups: the same",
           ("look-ups, {db}, two processes", "look-ups, {db}, one process"), _acks, least=1.6,
           databases=ONLY_POSTGRESQL),
    Figure("C2", "a request waits for a note of what stood in a person's way",
           ("note",), _of("note_us"), most=5, unit=" µs", databases=ONLY_SQLITE),
    Figure("C4", "attempts a second that the worker concludes and counts",
           ("settling, {db}",), _of("settled_s"), least=1000),
    Figure("R59", "sign-ins that fail: slowest kind's median ÷ quickest kind's, 200 each",
           ("failures, {db}",), _of("ratio"), databases=ONLY_SQLITE),
)
# fmt: on
# Measured in one round only: they take long, take turns themselves, or look for the slowest answer.
ONCE = ("60 s", "look-up alone", "failures", "backlog", "console", "growth")
# The two roads of a bot, for everyday use.
SHORT = ("P1", "P1a", "P3", "P13")

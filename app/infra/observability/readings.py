"""Gauges that are read when they are asked for, such as how much waits in the outbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """A gauge that is read when it is asked for; *values* are by the values of *labels*."""

    name: str
    words: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class Readings:
    """A collector of *readings*, which are the same whichever process is asked."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = tuple(readings)

    def collect(self) -> Iterable[Any]:
        from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - as in metrics

        for reading in self._readings:
            family = GaugeMetricFamily(reading.name, reading.words, labels=reading.labels)
            for values, number in reading.values.items():
                family.add_metric(values, number)
            yield family

"""One measurement of a benchmark, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = f"{'':<66} {'median':>9} {'p99':>9} {'worst':>9} {'unit':<9} {'n':>6}"


@dataclass(frozen=True)
class Line:
    """One measurement."""

    name: str
    median: float
    p99: float
    worst: float
    unit: str
    n: int

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str = "ms") -> Line:
        values = sorted(values)
        p99 = values[min(len(values) - 1, int(0.99 * len(values)))]
        return cls(name, statistics.median(values), p99, values[-1], unit, len(values))

    def __str__(self) -> str:
        return (
            f"{self.name:<66} {self.median:9.3f} {self.p99:9.3f} {self.worst:9.3f}"
            f" {self.unit:<9} {self.n:>6}"
        )

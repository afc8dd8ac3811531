"""What a run has logged so far, read back from its metrics.jsonl; damaged lines are passed over and counted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACE_OVER = 50
"""Logged steps at the end of which the pace is taken."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One scalar of one split over the steps: steps int64 `[N]`, rising, and values float64 `[N]`."""

    split: str
    name: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    def after(self, step: int) -> Curve:
        """The part past a step."""
        return Curve(self.split, self.name, self.steps[self.steps > step], self.values[self.steps > step])


@dataclass(frozen=True, slots=True)
class History:
    """All curves of a run.

    Attributes:
        curves: by split and name, in the order of logging.
        skipped: lines that could not be read: cut short by a kill, or damaged.
        pace: seconds a step of late, validation and saving included; None where the lines do not say.
        seconds: from the beginning to the last line, of all times that the run was carried on.
    """

    curves: Mapping[tuple[str, str], Curve] = field(default_factory=dict)
    skipped: int = 0
    pace: float | None = None
    seconds: float = 0.0

    def curve(self, split: str, name: str) -> Curve:
        """One curve, without points where nothing was logged."""
        nothing = Curve(split, name, np.zeros(0, np.int64), np.zeros(0))
        return self.curves.get((split, name), nothing)

    @property
    def last_step(self) -> int:
        """The newest logged step; 0 where there is none."""
        return max((int(curve.steps[-1]) for curve in self.curves.values()), default=0)


def read_history(metrics: Path) -> History:
    """Read a metrics.jsonl; without one, an empty history. Of a step that was logged twice the later line counts."""
    points: dict[tuple[str, str], dict[int, float]] = {}
    seconds: list[tuple[int, float]] = []
    clock: list[float] = []
    skipped = 0
    text = metrics.read_text(encoding="utf-8", errors="replace") if metrics.is_file() else ""
    for line in text.splitlines():
        row = _row(line)
        if row is None:
            skipped += 1
            continue
        step, split, scalars = row["step"], row["split"], _scalars(row)
        for name, value in scalars.items():
            points.setdefault((split, name), {})[step] = value
        if "seconds" in row:
            clock.append(row["seconds"])
        if split == "train" and "seconds" in row:
            seconds.append((step, row["seconds"]))
    curves = {
        (split, name): Curve(split, name, np.array(sorted(found)), np.array([found[step] for step in sorted(found)]))
        for (split, name), found in points.items()
    }
    return History(curves, skipped, _pace(seconds[-PACE_OVER - 1 :]), _total(clock))


def _row(line: str) -> dict[str, Any] | None:
    """A line as logged, every number of it finite; None for anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("split"), str):
        return None
    step = row.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**63:
        return None
    numbers = [value for name, value in row.items() if name != "split"]
    return row if all(_is_number(value) for value in numbers) else None


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _scalars(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if name not in ("step", "split", "seconds")}


def _total(clock: list[float]) -> float:
    """The time on a clock that began anew each time the run was carried on."""
    return sum(now for now, later in pairwise([*clock, -1.0]) if later < now)


def _pace(seconds: list[tuple[int, float]]) -> float | None:
    """Seconds a step; where the clock began anew, the run was stopped in between and the gap does not count."""
    pairs = pairwise(seconds)
    gaps = [(later - step, now - then) for (step, then), (later, now) in pairs if later > step and now > then]
    steps = sum(count for count, _ in gaps)
    return sum(took for _, took in gaps) / steps if steps else None

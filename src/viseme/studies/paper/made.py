"""What the steps of study `paper` have made, and why the rest is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from viseme.data.store import Store
from viseme.errors import InputError
from viseme.evaluation.results import MetricResult, Results, SetResult, load
from viseme.studies.figures import Drawing
from viseme.studies.measures import Table
from viseme.training.run import RunFolder

SCORES = ("evaluate", "fid", "syncnet")
"""Steps that score a rollout, by what they need."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table or figure of the paper, made again.

    Attributes:
        of: its name there, such as `Table 3`.
        title: what is seen.
        says: what the numbers say, a sentence or more.
        paper: what the paper says; empty where its numbers stand in the table.
        drawing, table: either, or neither where `hole` says why it is not there.
        flags: where the paper's numbers, or these, must not be read plainly.
    """

    of: str
    title: str
    says: str = ""
    paper: str = ""
    drawing: Drawing | None = None
    table: Table | None = None
    flags: Sequence[str] = ()
    hole: str = ""

    @property
    def name(self) -> str:
        """Of its files."""
        return "_".join(re.findall(r"\w+", self.of.lower()))


@dataclass(frozen=True, slots=True)
class Made:
    """The outputs of steps.

    Attributes:
        data: the store.
        paths: step -> its output.
        missing: step -> why it has none.
        small, large: pixels a side of the two sizes.
    """

    data: str
    paths: Mapping[str, str]
    missing: Mapping[str, str]
    small: int
    large: int

    @property
    def store(self) -> Store:
        return Store.open(self.data)

    def path(self, step: str) -> Path:
        """Where a step's output lies. Raises `InputError` that says why it is not there."""
        if step not in self.paths:
            raise InputError(self.missing.get(step, f"{step} is not there"))
        return Path(self.paths[step])

    def some(self, steps: Sequence[str]) -> list[str]:
        """Those of these steps that have an output. Raises `InputError` with the reasons where none has."""
        there = [step for step in steps if step in self.paths]
        if not there:
            raise InputError("; ".join(self.why(steps)) or f"{steps[0]} is not there")
        return there

    def run(self, name: str) -> RunFolder:
        """A run folder. Raises `InputError` that says why there is none."""
        return RunFolder(self.path(f"train/{name}"))

    def scores(self, name: str) -> Results | None:
        """All scores of a rollout together; None where none is there."""
        found = [load(self.paths[step]) for kind in SCORES if (step := f"{kind}/{name}") in self.paths]
        if not found:
            return None
        first = found[0]
        for other in found[1:]:
            first.metrics.update(other.metrics)
            first.sets.update(other.sets)
        return first

    def why(self, names: Sequence[str]) -> list[str]:
        """Why some of these steps have no output, each reason once."""
        return list(dict.fromkeys(self.missing[name] for name in names if name in self.missing))


def measured(results: Results | None, metric: str) -> MetricResult | SetResult | None:
    """A metric of results, whether a mean over clips or a number of all together."""
    if results is None:
        return None
    return results.metrics.get(metric) or results.sets.get(metric)


def value(results: Results | None, metric: str) -> float | None:
    """Its number; None where it is not there."""
    found = measured(results, metric)
    if found is None:
        return None
    return found.mean if isinstance(found, MetricResult) else found.value


def truth(results: Results | None, metric: str) -> float | None:
    """Truth's own number: 0 for a distance from truth; None where it is not there."""
    found = measured(results, metric)
    if found is None:
        return None
    return 0.0 if isinstance(found, SetResult) and found.truth is None else found.truth

"""The tables of a report as plain rows of text and numbers, whatever they are printed with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viseme.evaluation.bootstrap import ENOUGH_CLIPS
from viseme.evaluation.metrics import METRICS, SET_METRICS, Better
from viseme.evaluation.results import MetricResult, SetResult
from viseme.report.ranking import Comparison, best, compared
from viseme.report.systems import Group, System
from viseme.report.wording import bounds, counted, enough_digits, number, signed, signed_bounds

ARROWS: dict[Better, tuple[str, str]] = {
    "higher": ("↑", "higher is better"),
    "lower": ("↓", "lower is better"),
    "truth": ("≈", "best where equal to truth's"),
    "zero": ("→\N{NO-BREAK SPACE}0", "best at zero"),
    "none": ("", "a control: no better or worse"),
}
"""What stands beside a metric's title, and what it means."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot and its whisker on a scale from 0 to 100, for one system."""

    colour: str
    at: float
    low: float
    high: float
    solid: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One number with its interval; `value` is empty where there is none, and `note` says why or what else.

    `best` marks the best of a row of means, `winner` the better one of a difference.
    """

    system: System
    value: str
    interval: str = ""
    note: str = ""
    best: bool = False
    winner: System | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric across the systems of a table.

    Attributes:
        metric, title, unit, arrow, meaning: what is measured and where it is best.
        truth: truth's own mean, empty where it has none.
        cells: one a column.
        zero: where truth's value, or zero, lies on the scale of the marks; None where it does not.
    """

    metric: str
    title: str
    unit: str
    arrow: str
    meaning: str
    truth: str
    cells: tuple[Cell, ...]
    zero: float | None = None


def metric_table(group: Group) -> list[Row]:
    """Every metric with every system's mean and interval, and truth's own mean.

    A mean over fewer clips than the row has says over how many: only paired differences compare like with like then.
    """
    rows = []
    for name in group.metrics:
        known = _known(group, name)
        scale, at = _scale(group.systems, name)
        winner = best(group.tested, name)
        clips = len({key for system in group.systems for key, clip in system.scored.items() if name in clip.values})
        cells = tuple(_metric_cell(system, name, winner, scale, clips) for system in group.systems)
        rows.append(_row(name, known, _truth(group, name), cells, at))
    return rows


def _truth(group: Group, name: str) -> str:
    """Truth's own mean, of the system that has the most clips."""
    having = [(found.n, found.truth, found.digits) for found in _found(group, name) if found.truth is not None]
    if not having:
        return ""
    _, value, digits = max(having)
    return number(value, digits)


def _metric_cell(system: System, name: str, winner: System | None, scale: Callable[[float], float], clips: int) -> Cell:
    found = system.results.metrics.get(name)
    if found is None:
        return Cell(system, "", note="not measured")
    ends = bounds(found.low, found.high, found.digits)
    return Cell(
        system,
        number(found.mean, found.digits),
        ends if found.n == clips else f"{ends}, {number(found.n, 0)} of {counted(clips, 'clip')}",
        best=winner is system,
        mark=Mark(system.colour, scale(found.mean), scale(found.low), scale(found.high), not system.control),
    )


def difference_table(group: Group) -> list[Row]:
    """The paired difference of the first system from each other one, in every metric that has a better and a worse."""
    rows = []
    for name in group.metrics:
        known = _known(group, name)
        comparisons = [compared(group.first, other, name) for other in group.others]
        if known.better == "none" or not any(comparisons):
            continue
        cells = tuple(_difference_cell(found, other) for found, other in zip(comparisons, group.others, strict=True))
        rows.append(_row(name, known, "", cells, 50.0))
    return rows


def _difference_cell(found: Comparison | None, other: System) -> Cell:
    if found is None:
        return Cell(other, "", note="no clip in common")
    d = found.difference
    digits = enough_digits(d.low, d.high, found.known.digits)
    reach = max(abs(d.low), abs(d.high), abs(d.mean)) or 1.0
    return Cell(
        other,
        signed(d.mean, digits),
        signed_bounds(d.low, d.high, digits),
        note=f"{found.better.name} is better" if found.better else _undecided(d.n),
        winner=found.better,
        mark=Mark(
            found.better.colour if found.better else "none",
            at=50 + 46 * d.mean / reach,
            low=50 + 46 * d.low / reach,
            high=50 + 46 * d.high / reach,
            solid=found.better is not None,
        ),
    )


def _undecided(clips: int) -> str:
    return "no difference shown" if clips >= ENOUGH_CLIPS else f"too few: {counted(clips, 'clip')}"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is, for a reader of the page."""

    title: str
    unit: str
    arrow: str
    meaning: str
    description: str


def definitions(groups: Sequence[Group]) -> list[Definition]:
    """Each metric of the page once; one that this version does not know says so."""
    found: dict[str, Definition] = {}
    for system in (system for group in groups for system in group.systems):
        measured: dict[str, MetricResult | SetResult] = {**system.results.metrics, **system.results.sets}
        for name, known in measured.items():
            metric = METRICS.get(name) or SET_METRICS.get(name)
            text = metric.description if metric else "Not described: measured by another version."
            found.setdefault(name, Definition(known.title, known.unit, *ARROWS[known.better], text))
    return list(found.values())


def _row(name: str, known: MetricResult, truth: str, cells: tuple[Cell, ...], zero: float | None) -> Row:
    arrow, meaning = ARROWS[known.better]
    return Row(name, known.title, known.unit, arrow, meaning, truth, cells, zero)


def _found(group: Group, name: str) -> list[MetricResult]:
    return [system.results.metrics[name] for system in group.systems if name in system.results.metrics]


def _known(group: Group, name: str) -> MetricResult:
    return _found(group, name)[0]


def _scale(systems: Sequence[System], name: str) -> tuple[Callable[[float], float], float | None]:
    """A scale from 0 to 100 that holds every system's interval and the best value; and where the latter lies on it."""
    found = [system.results.metrics[name] for system in systems if name in system.results.metrics]
    target = {"truth": next((m.truth for m in found if m.truth is not None), None), "zero": 0.0}.get(found[0].better)
    ends = [end for m in found for end in (m.low, m.high, m.mean)] + ([] if target is None else [target])
    low, span = min(ends), (max(ends) - min(ends)) or 1.0

    def scale(value: float) -> float:
        return 4 + 92 * (value - low) / span

    return scale, None if target is None else scale(target)

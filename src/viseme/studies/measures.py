"""What studies read out of results files: curves over time, a table, and who differs from whom."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.errors import InputError
from viseme.evaluation.bootstrap import ENOUGH_CLIPS, Interval
from viseme.evaluation.identity import EVERY
from viseme.evaluation.metrics import gap
from viseme.evaluation.results import ClipResult, Results, load, paired_gap
from viseme.report.plain import escaped
from viseme.report.wording import bounds, number
from viseme.studies.panels import Curve, Dot

Systems = Mapping[str, Results]
"""Title of a system -> its results."""
STRANGER = 0.5
"""CSIM below this is nearer to another actor than to the same."""


def loaded(paths: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, Results]:
    """Results files by name, under their titles, in the order of the titles.

    Raises `InputError` where there is none, or one that is no results file.
    """
    found = {title: load(paths[name]) for name, title in titles.items() if name in paths}
    if not found:
        raise InputError("none of the study's rollouts is scored, so there is nothing to draw; see its failed steps")
    return found


def scored(results: Results) -> list[ClipResult]:
    """The clips that were scored."""
    return [clip for clip in results.clips if clip.status == "scored"]


def mean_curve(results: Results, key: str, name: str, colour: str) -> list[Curve]:
    """The mean over clips of a curve by frame, as long as the shortest; none where no clip has it."""
    curves = [clip.curves[key] for clip in scored(results) if clip.curves.get(key)]
    if not curves:
        return []
    length = min(map(len, curves))
    values = np.array([curve[:length] for curve in curves], dtype=np.float64).mean(axis=0)
    every = EVERY if key.startswith("identity") else 1
    return [Curve(name, colour, 1 + every * np.arange(length, dtype=np.float64), values)]


def lost(systems: Systems) -> list[str]:
    """Those in whose first second no face like the identity frame's is seen."""
    likeness = {title: mean_curve(results, "identity", "", "") for title, results in systems.items()}
    return [title for title, found in likeness.items() if found and np.mean(found[0].values[:5]) < STRANGER]


def dots(systems: Systems, metric: str, colours: Mapping[str, str] | None = None) -> list[Dot]:
    """A metric of each system that has it, with its interval."""
    found = [(title, results.metrics.get(metric)) for title, results in systems.items()]
    shades = colours or {}
    return [Dot(title, m.mean, m.low, m.high, shades.get(title, "system0")) for title, m in found if m is not None]


def distance(results: Results, metric: str) -> float | None:
    """How far a metric's mean lies from the best it can be; smaller is better. None where the system lacks it."""
    found = results.metrics.get(metric)
    return None if found is None else gap(found.better, found.mean, found.truth)


def ranked(systems: Systems, metric: str) -> list[tuple[str, float]]:
    """Systems that have the metric, from the best on, with their means."""
    known = {title: away for title, results in systems.items() if (away := distance(results, metric)) is not None}
    return [(title, systems[title].metrics[metric].mean) for title in sorted(known, key=lambda title: known[title])]


def shown_better(one: Results, other: Results, metric: str) -> Interval | None:
    """The paired difference of distances from the best, `one` less `other`, where it is shown not to be zero."""
    try:
        found = paired_gap(one, other, metric, np.random.default_rng(zlib.crc32(metric.encode())))
    except InputError:
        return None
    return found if found.n >= ENOUGH_CLIPS and (found.high < 0 or found.low > 0) else None


@dataclass(frozen=True, slots=True)
class Beside:
    """A column of numbers that rest on no clips, and so have no interval: title of a system -> its number."""

    name: str
    title: str
    unit: str
    digits: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Table:
    """Metrics of systems: as shown, and in full."""

    header: list[str]
    rows: list[list[str]]
    markdown: str
    csv: str


def plain_table(
    header: list[str], rows: list[list[str]], columns: Sequence[str], full: Iterable[Sequence[object]]
) -> Table:
    """A table of cells as shown, and its CSV: what `columns` head, in full."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(full)
    return Table(header, rows, _markdown(header, rows), lines.getvalue())


def table(systems: Systems, metrics: Sequence[str], beside: Sequence[Beside] = ()) -> Table:
    """A row a system, a column a metric, mean and 95 % interval over clips; and what stands beside these."""
    known = {name: m for results in systems.values() for name, m in results.metrics.items()}
    columns = [name for name in metrics if name in known]
    heads = [(known[name].title, known[name].unit) for name in columns] + [(one.title, one.unit) for one in beside]
    header = ["", *(f"{title}{f' ({unit})' if unit else ''}" for title, unit in heads)]
    rows, lines = [], io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("system", "metric", "title", "unit", "better", "mean", "low", "high", "n", "truth"))
    for title, results in systems.items():
        row = [title]
        for name in columns:
            found = results.metrics.get(name)
            row.append(
                f"{number(found.mean, found.digits)} {bounds(found.low, found.high, found.digits)}" if found else "-"
            )
            if found:
                full = (found.mean, found.low, found.high, found.n, "" if found.truth is None else found.truth)
                writer.writerow((title, name, found.title, found.unit, found.better, *full))
        for one in beside:
            value = one.values.get(title)
            row.append("-" if value is None else number(value, one.digits))
            if value is not None:
                writer.writerow((title, one.name, one.title, one.unit, "", value, "", "", "", ""))
        rows.append(row)
    return Table(header, rows, _markdown(header, rows), lines.getvalue())


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    dashes = ["---", *("---:" for _ in header[1:])]
    marked = [[escaped(cell) for cell in line] for line in (header, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (marked[0], dashes, *marked[1:])) + "\n"

"""The table of what holds for all clips together, such as FID: one number a system, without an interval."""

from __future__ import annotations

from dataclasses import dataclass

from viseme.report.systems import Group, System
from viseme.report.tables import ARROWS, Cell
from viseme.report.wording import number


@dataclass(frozen=True, slots=True)
class SetRow:
    """One metric at one number of samples.

    Attributes:
        metric, title, unit, arrow, meaning: what is measured and where it is best.
        over: samples of each side behind every number of the row.
        truth: truth's own number, empty where it has none.
        cells: one a system.
    """

    metric: str
    title: str
    unit: str
    arrow: str
    meaning: str
    over: str
    truth: str
    cells: tuple[Cell, ...]


def set_table(group: Group) -> list[SetRow]:
    """Each metric with every system's number; numbers of unequal samples stand in rows of their own.

    A Frechet distance falls as its samples grow in number, so that numbers of unequal samples have no common column.
    """
    rows = []
    for name in dict.fromkeys(name for system in group.systems for name in system.results.sets):
        having = [system.results.sets[name] for system in group.systems if name in system.results.sets]
        for n, of in dict.fromkeys((found.n, found.of) for found in having):
            here = [found for found in having if (found.n, found.of) == (n, of)]
            known = here[0]
            truth = next((number(found.truth, known.digits) for found in here if found.truth is not None), "")
            cells = tuple(_cell(system, name, n) for system in group.systems)
            arrow, meaning = ARROWS[known.better]
            over = f"{number(n, 0)} {of}"
            rows.append(SetRow(name, known.title, known.unit, arrow, meaning, over, truth, cells))
    return rows


def unequal(group: Group) -> list[str]:
    """Titles of the metrics that not all systems have over equally many samples."""
    rows = [row.title for row in set_table(group)]
    return [title for title in dict.fromkeys(rows) if rows.count(title) > 1]


def _cell(system: System, name: str, n: int) -> Cell:
    found = system.results.sets.get(name)
    if found is None:
        return Cell(system, "", note="not measured")
    if found.n != n:
        return Cell(system, "", note=f"over {number(found.n, 0)} {found.of}")
    return Cell(system, number(found.value, found.digits))

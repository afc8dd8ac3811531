"""Summary and tables as Markdown, for a pull request, and one number a row as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from viseme.report.account import cautions
from viseme.report.ranking import best
from viseme.report.sets import SetRow, set_table
from viseme.report.summary import summary
from viseme.report.systems import Group, System
from viseme.report.tables import Cell, Row, difference_table, metric_table
from viseme.report.wording import counted

COLUMNS = (
    *("size", "system", "control", "metric", "title", "unit", "better"),
    *("mean", "low", "high", "n", "of", "truth", "best"),
)


def markdown(groups: Sequence[Group]) -> str:
    """What must be known beside the numbers; then for each size the summary, its metrics and its paired differences."""
    parts = (
        ["\n".join(f"- {escaped(note)}" for note in notes)] if (notes := [*cautions(groups), *_failed(groups)]) else []
    )
    for group in groups:
        if len(groups) > 1:
            parts.append(f"## {_size(group)}")
        parts += [escaped(" ".join(sentences)) for sentences in summary(group)]
        header = ["Metric", "Truth", *(_header(system) for system in group.systems)]
        parts.append(table(header, [[_title(row), row.truth, *_values(row)] for row in metric_table(group)]))
        parts.append(
            "Means over clips with 95 % intervals. Bold: the best of the systems under test, where its paired interval "
            "against the runner-up excludes zero."
        )
        if sets := set_table(group):
            header = ["All clips together", "Over", "Truth", *(_header(system) for system in group.systems)]
            lines = [
                [_title(row), row.over, row.truth, *(cell.value or cell.note for cell in row.cells)] for row in sets
            ]
            parts.append(table(header, lines))
        if group.others:
            header = [f"{escaped(group.first.name)} minus", *(_header(system) for system in group.others)]
            parts.append(table(header, [[_title(row), *_values(row)] for row in difference_table(group)]))
            parts.append(
                "Paired differences over the clips that both have; of distances to the best value where that is "
                "truth's (≈) or zero (→ 0). Bold: the interval excludes zero."
            )
    return "\n\n".join(parts) + "\n"


def comma_separated(groups: Sequence[Group]) -> str:
    """A row for each metric of each system, full precision, with the columns `COLUMNS`.

    A metric of all clips together has neither interval nor best, and `n` samples `of` frames or windows.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for group in groups:
        for name in group.metrics:
            winner = best(group.tested, name)
            for system in group.systems:
                m = system.results.metrics.get(name)
                if m is None:
                    continue
                numbers = [m.mean, m.low, m.high, m.n, "clips", "" if m.truth is None else m.truth]
                head = ["" if group.size is None else group.size, system.name, system.control]
                writer.writerow([*head, name, m.title, m.unit, m.better, *numbers, int(system is winner)])
        for system in group.systems:
            for name, s in system.results.sets.items():
                head = ["" if group.size is None else group.size, system.name, system.control]
                numbers = [s.value, "", "", s.n, s.of, "" if s.truth is None else s.truth]
                writer.writerow([*head, name, s.title, s.unit, s.better, *numbers, 0])
    return text.getvalue()


def _failed(groups: Sequence[Group]) -> list[str]:
    """Each system that failed on some clips, in words."""
    return [
        f"{system.name} failed on {len(system.results.failed)} of {counted(len(system.results.clips), 'clip')}."
        for group in groups
        for system in group.systems
        if system.results.failed
    ]


def _values(row: Row) -> list[str]:
    return [_value(cell) for cell in row.cells]


def _value(cell: Cell) -> str:
    if not cell.value:
        return cell.note
    return f"**{cell.value}** {cell.interval}" if cell.best or cell.winner else f"{cell.value} {cell.interval}"


def _title(row: Row | SetRow) -> str:
    unit = f" ({row.unit})" if row.unit else ""
    return escaped(f"{row.title}{unit} {row.arrow}".strip())


def _header(system: System) -> str:
    flags = [text for text in (system.control and "control", system.leaking and "truth's landmarks") if text]
    return escaped(f"{system.name} ({', '.join(flags)})" if flags else system.name)


def _size(group: Group) -> str:
    return "Frames of unstated size" if group.size is None else f"{group.size} × {group.size} pixels"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first column is text; what stands in it must be escaped."""
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Text that cannot break out of a cell or become HTML or markup."""
    for character in "\\`*_[]|":
        text = text.replace(character, "\\" + character)
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())

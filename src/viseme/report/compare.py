"""One report of several results: `report.html`, `table.md` and `table.csv` in one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from viseme.errors import OutputError
from viseme.files import write_text
from viseme.report.account import reservations
from viseme.report.clips import Film
from viseme.report.html import render
from viseme.report.media import Album
from viseme.report.plain import comma_separated, markdown
from viseme.report.systems import by_size, load_systems


@dataclass(frozen=True, slots=True)
class Report:
    """What `compare` made.

    Attributes:
        page: the path of `report.html`.
        notes: what makes the comparison less than fair, one line each; they stand in the report too.
    """

    page: Path
    notes: tuple[str, ...]


def compare(
    results: Mapping[str, str | os.PathLike[str]], out: str | os.PathLike[str], film: Film | None = None
) -> Report:
    """Compare systems that were scored against one reference.

    Args:
        results: the name each system shall have -> its results file. The first system under test is the one the others
            are compared with.
        out: folder for `report.html` (self-contained), `table.md` and `table.csv`; those already there are replaced.
        film: makes truth's own videos, to be played beside the systems'.

    Raises:
        InputError: no results, a file that is none, or results of different references, frame rates or definitions of
            a metric.
        OutputError: the folder cannot be written.
    """
    groups = by_size(load_systems(results))
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; give a folder for the report")
    page = folder / "report.html"
    write_text(folder / "table.md", markdown(groups))
    write_text(folder / "table.csv", comma_separated(groups))
    write_text(page, render(groups, Album(), film))
    return Report(page, tuple(reservations(groups)))

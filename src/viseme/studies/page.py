"""The page of a study: what was asked, one sentence from the numbers under each drawing, the table, what is missing.

Beside it lie the drawings (`figures/NAME.svg`, `.png`) and the table (`table.csv`, `table.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from viseme import __version__
from viseme.files import write_text
from viseme.report.html import environment, part
from viseme.studies.figures import Drawing
from viseme.studies.measures import Table


@dataclass(frozen=True, slots=True)
class Finding:
    """A drawing and what its numbers say."""

    drawing: Drawing
    says: str


def write_page(
    out: str | Path,
    *,
    title: str,
    question: str,
    facts: Mapping[str, str],
    notes: Sequence[str],
    legend: Mapping[str, str],
    findings: Sequence[Finding],
    table: Table,
) -> None:
    """Write the page, its drawings and its table.

    Args:
        out: `index.html`.
        title, question: what is studied, and why.
        facts: how, as text.
        notes: what a reader must know before believing it, one line each.
        legend: name of a curve -> its CSS variable.
        findings: in the order of reading.
        table: all numbers.
    """
    page = Path(out)
    for finding in findings:
        finding.drawing.save(page.parent / "figures")
    write_text(page.parent / "table.csv", table.csv)
    write_text(page.parent / "table.md", table.markdown)
    html = (
        environment()
        .get_template("study.html.j2")
        .render(
            title=title,
            question=question,
            version=__version__,
            style=Markup(part("style.css")),
            facts=facts,
            notes=notes,
            legend=legend,
            findings=[(finding.drawing.inline(), finding.says) for finding in findings],
            table=table,
        )
    )
    write_text(page, html)

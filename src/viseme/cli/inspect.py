"""`viseme inspect`: what a path is and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viseme import api
from viseme.cli.output import Json, print_json, print_table
from viseme.cli.plot import Series, beside, plot
from viseme.report.wording import shown

if TYPE_CHECKING:
    from viseme.training.state import Panel

IN_TERMINAL = ("loss", "pixel", "lip", "real_right", "fake_right")
"""Scalars that are drawn in a terminal, beside those of the rollouts; pages hold all."""


def inspect(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A store, run, model, video, videos folder or results.")],
    out: Annotated[
        Path | None, typer.Option(metavar="SHEET.png", help="Picture of a store's clips with their landmarks.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="PAGE.html", help="Page of a store's clips and rejects, or of a run's curves and samples."
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="What a store was prepared from: its page then shows rejected clips."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what a store, run, model, video or result is and holds."""
    summary = api.inspect(path, out=out, html=html, source=source)
    if as_json:
        print_json(summary.to_dict())
        return
    print(f"{summary.path}: {summary.kind}")
    width = max(map(len, summary.facts))
    for name, value in summary.facts.items():
        print(f"  {name.ljust(width)}  {shown(value)}")
    for line in summary.warnings:
        print(f"\nwarning: {line}")
    for line in ("", *drawn(summary.panels)) if summary.panels else ():
        print(line)
    for title, table in summary.tables.items():
        if table.rows:
            print(f"\n{title}")
            print_table(table.columns, table.rows)
    for written in (out, html):
        if written is not None:
            print(f"\n{written}")


def drawn(panels: Sequence[Panel]) -> list[str]:
    """The curves of a run as lines of at most 80 characters."""
    chosen = [panel for panel in panels if panel.title in IN_TERMINAL or panel.title.startswith("rollout ")]
    last = max((int(curve.steps[-1]) for panel in panels for curve in panel.curves), default=0)
    return beside(
        [
            plot(panel.title, [Series(c.split, c.steps.tolist(), c.values.tolist()) for c in panel.curves], last)
            for panel in chosen
        ]
    )

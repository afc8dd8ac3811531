"""`viseme compare`: several results into one report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api


def compare(
    results: Annotated[
        list[str],
        typer.Argument(metavar="NAME=RESULTS...", help="Results files and their names in the report."),
    ],
    out: Annotated[Path, typer.Option(metavar="REPORT", help="Folder of the report.")],
    reference: Annotated[
        str | None,
        typer.Option(metavar="TRUTH", help="What they were scored against: truth plays beside the systems."),
    ] = None,
    model_card: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Put the scores into the model card of this run, too.")
    ] = None,
) -> None:
    """Write one HTML report of several results, side by side."""
    named: dict[str, Path] = {}
    for argument in results:
        name, equals, path = argument.partition("=")
        if not (name and equals and path):
            raise typer.BadParameter(f"{argument}: write it as NAME=results.json")
        if name in named:
            raise typer.BadParameter(f"{name}: given twice; name each results file differently")
        named[name] = Path(path)
    report = api.compare(named, out, reference=reference)
    print(report.page)
    if model_card is not None:
        print(api.model_card(model_card, named))
    for note in report.notes:
        print(f"note: {note}")

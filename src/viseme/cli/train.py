"""`viseme train`: a preset on a store into a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import Set


def train(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset, or a YAML file.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="STORE", help="Store to learn from.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Folder of the run.")] = None,
    overrides: Set = None,
    resume: Annotated[bool, typer.Option("--resume", help="Carry on the run in RUN exactly where it stopped.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the resolved configuration and stop.")] = False,
) -> None:
    """Train a model on a store."""
    if dry_run:
        from viseme.config.schema import to_yaml

        print(to_yaml(api.load_config(preset, overrides or ())), end="")
        return
    if data is None or out is None:
        raise typer.BadParameter(f"{'--data STORE' if data is None else '--out RUN'} is missing")
    report = api.train(preset, data, out, overrides=overrides or (), resume=resume)
    print(f"{out}: step {report.steps} of {api.load_config(preset, overrides or ()).training.steps}")

"""`viseme study`: a question asked of many models, as one command that can be stopped anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from viseme import api
from viseme.cli.output import Seed, Set, count
from viseme.errors import SomeStepsFailed


def study(
    name: Annotated[
        str, typer.Argument(metavar="STUDY", help="paper, bundled, sweep, drift, controls, finetune, gan or steps.")
    ],
    data: Annotated[str, typer.Option("--data", metavar="STORE", help="Store to learn from and to score against.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the study.")] = None,
    scale: Annotated[
        Literal["toy", "tiny", "small", "full"],
        typer.Option(help="What it may spend: minutes a model, an hour a model, or the paper's model on a GPU."),
    ] = "tiny",
    seed: Seed = 0,
    overrides: Set = None,
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="FIELD=A,B,C", help="Of sweep: a field and its values; may be repeated."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="Of sweep: sample from this, train nothing.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Steps at a time, each with its share of the cores.")] = 1,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Steps as --dry-run printed them, changed by hand.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, with what steps will cost, and stop.")
    ] = False,
) -> None:
    """Train, roll out, score and draw what answers one question; the same command goes on where it was stopped."""
    asked: dict[str, Any] = {
        "scale": scale,
        "seed": seed,
        "overrides": overrides or (),
        "grid": grid or (),
        "model": model,
        "plan": plan,
    }
    if dry_run:
        steps = api.plan_study(name, data, **asked)
        print(steps.to_yaml(api.time_study(steps)), end="")
        return
    if out is None:
        raise typer.BadParameter("--out DIR is missing")
    outcome = api.study(
        *(name, data, out),
        **asked,
        jobs=jobs,
        tell=lambda line: print(line),
    )
    if outcome.failed:
        first, reason = next(iter(outcome.failed.items()))
        left = f", {count(len(outcome.left_out), 'step')} left out" if outcome.left_out else ""
        raise SomeStepsFailed(f"{out}: {count(len(outcome.failed), 'step')} failed{left}; the first, {first}: {reason}")
    print(outcome.page)

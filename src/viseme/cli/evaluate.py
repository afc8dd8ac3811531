"""`viseme evaluate`: a folder of videos scored against true clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viseme import api
from viseme.cli.output import Engine, Jobs, Json, Seed, count, names, print_table
from viseme.errors import SomeClipsFailed

if TYPE_CHECKING:
    from viseme.evaluation.results import Results


def evaluate(
    videos: Annotated[Path, typer.Argument(metavar="VIDEOS", help="Folder of videos named by clip.")],
    reference: Annotated[
        str,
        typer.Option(
            metavar="TRUTH", help="Store, folder of true videos, or CSV of pairs: candidate,reference[,actor]."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Results, as JSON.")],
    metrics: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these metrics; the default ones when left out.")
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Change videos of other rates than 25 fps or other sizes than truth's.")
    ] = False,
    fvd_backbone: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of I3D; with them FVD is measured too.")
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    engine: Engine = "loky",
    as_json: Json = False,
) -> None:
    """Score videos against the clips of a store, true videos, or a CSV of pairs."""
    results = api.evaluate(
        videos,
        reference,
        out,
        metrics=names(metrics) or None,
        jobs=jobs,
        seed=seed,
        resample=resample,
        fvd_backbone=fvd_backbone,
        engine=engine,
    )
    if as_json:
        print(out.read_text(encoding="utf-8"), end="")
    else:
        _tell(results)
    if results.failed:
        first = results.failed[0]
        raise SomeClipsFailed(
            f"{out}: {count(len(results.failed), 'clip')} failed; the first, {first.clip_id}: {first.reason}"
        )


def _tell(results: Results) -> None:
    rows = []
    for metric in results.metrics.values():
        mean, low, high = (f"{number:.{metric.digits}f}" for number in (metric.mean, metric.low, metric.high))
        truth = "" if metric.truth is None else f"{metric.truth:.{metric.digits}f}"
        rows.append((metric.title, metric.unit, mean, f"{low} to {high}", truth, metric.better, metric.n))
    print_table(("metric", "unit", "mean", "95 % interval", "truth", "better", "clips"), rows)
    print()
    if results.sets:
        together = [
            (
                s.title,
                f"{s.value:.{s.digits}f}",
                "" if s.truth is None else f"{s.truth:.{s.digits}f}",
                s.better,
                s.n,
                s.of,
            )
            for s in results.sets.values()
        ]
        print_table(("all clips together", "value", "truth", "better", "over", "of"), together)
        print()
    scored, clips = results.counts["scored"], results.counts["clips"]
    print(f"{results.name}: {scored} of {count(clips, 'clip')} scored, split {results.reference.get('split', '')}")
    for note in results.notes:
        print(f"note: {note}")

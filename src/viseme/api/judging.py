"""What was made, judged: scores, reports, studies, and a look at anything that lies on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viseme.files import AnyPath

if TYPE_CHECKING:
    from viseme.demonstration import Demonstration
    from viseme.evaluation.results import Results
    from viseme.inspection import Summary
    from viseme.machine import Machine
    from viseme.report.compare import Report
    from viseme.studies.plan import Plan
    from viseme.studies.run import Outcome


def evaluate(
    videos: AnyPath,
    reference: AnyPath,
    out: AnyPath,
    *,
    metrics: Sequence[str] | None = None,
    jobs: int | None = None,
    seed: int = 0,
    resample: bool = False,
    fvd_backbone: AnyPath | None = None,
    engine: str = "loky",
) -> Results:
    """Score a folder of videos against a store, a folder of true videos, or a CSV of `candidate,reference[,actor]`.

    Writes `out` (JSON) and strips beside it. Videos of other rates than 25 frames a second, or of another size than
    truth's, are refused unless `resample` is set. `fvd_backbone` is a file with the weights of I3D.
    """
    from viseme.evaluation.evaluate import evaluate as run

    return run(
        videos,
        reference,
        out,
        metrics=metrics,
        jobs=jobs,
        seed=seed,
        resample=resample,
        fvd_backbone=fvd_backbone,
        engine=engine,
    )


def compare(results: Mapping[str, AnyPath], out: AnyPath, *, reference: AnyPath | None = None) -> Report:
    """Write one HTML report (and tables) of several results under the names given.

    With `reference`, what they were scored against, truth plays beside the systems. Returns the report's path, and what
    makes the comparison less than fair.
    """
    from viseme.report.compare import compare as run

    if reference is None:
        return run(results, out)
    from viseme.true_videos import true_videos

    with true_videos(reference, results.values()) as film:
        return run(results, out, film)


def model_card(run: AnyPath, results: Mapping[str, AnyPath] | None = None) -> Path:
    """Write a run's `MODEL_CARD.md` anew, with these scores of the model, its controls and rivals; returns its path."""
    from viseme.run_card import write_card

    return write_card(run, results)


def plan_study(
    name: str,
    data: AnyPath,
    *,
    scale: str = "tiny",
    seed: int = 0,
    overrides: Sequence[str] = (),
    grid: Sequence[str] = (),
    model: AnyPath | None = None,
    plan: AnyPath | None = None,
) -> Plan:
    """What `study` would do, step by step; with `plan`, what stands in that file."""
    from viseme.studies.catalogue import study_plan

    return study_plan(*(name, data), scale=scale, seed=seed, overrides=overrides, grid=grid, model=model, file=plan)


def time_study(plan: Plan) -> dict[str, str]:
    """What the steps of a plan will cost on this machine, from a few moments of each kind of work, by name."""
    from viseme.studies.cost import costs

    return costs(plan)


def study(
    name: str,
    data: AnyPath,
    out: AnyPath,
    *,
    scale: str = "tiny",
    seed: int = 0,
    overrides: Sequence[str] = (),
    grid: Sequence[str] = (),
    model: AnyPath | None = None,
    plan: AnyPath | None = None,
    jobs: int = 1,
    tell: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Run a study of `viseme.studies` on a store into a folder with a page, drawings and tables.

    Stopped anywhere, the same call goes on. A step that fails is named in what is returned; what does not need it is
    done. `overrides` go to every trained configuration, `grid` and `model` are what study `sweep` varies and samples
    from, `plan` is a file that says the steps instead, `tell` is given a line for each step.
    """
    from viseme.studies.run import run

    steps = plan_study(*(name, data), scale=scale, seed=seed, overrides=overrides, grid=grid, model=model, plan=plan)
    return run(steps, Path(out), jobs=jobs, tell=tell)


def inspect(
    path: AnyPath, *, out: AnyPath | None = None, html: AnyPath | None = None, source: AnyPath | None = None
) -> Summary:
    """What a store, a run, a model, a video, a folder of generated videos or a results file is and holds.

    `out` takes a picture (PNG) of a store's clips with their landmarks, `html` a page of a store, or of a run's curves
    and samples. With `source`, the folder a store was prepared from, its page shows rejected clips.
    """
    from viseme.inspection import inspect as run

    return run(path, out, html, source)


def doctor() -> Machine:
    """What this machine has of what viseme needs."""
    from viseme.machine import look

    return look()


def demo(out: AnyPath = "out/demo") -> Demonstration:
    """Both bundled models on a portrait and a voice, and a scored comparison on four synthetic clips."""
    from viseme.demonstration import demonstrate

    return demonstrate(out)

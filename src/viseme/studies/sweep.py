"""`viseme study sweep`: a grid of settings, and which of its cells give the most quality for their cost.

Cells that differ in sampling alone share one model, trained or given; each combination of other fields is trained. All
roll out the same clips of actors to choose by. What a cell costs is told by the manifest of its videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from viseme.config import Config, load_config
from viseme.errors import ConfigError
from viseme.evaluation.metrics import METRICS as KNOWN
from viseme.evaluation.metrics import SET_METRICS, gap
from viseme.evaluation.results import Results
from viseme.families import model_path, sampled_config
from viseme.generation.manifest import VideoManifest
from viseme.nn.weights import read_model
from viseme.report.wording import counted, listed, number
from viseme.studies.figures import Drawing
from viseme.studies.grid import SAMPLING, Cell, cells
from viseme.studies.measures import Beside, loaded, scored, table
from viseme.studies.page import Finding, write_page
from viseme.studies.pareto import Point, Trade, front
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps, train_step

DEFAULT = ("sampling.steps=2,5,10,20",)
FRAMES = 52
"""Of a rollout, at most: two seconds."""
METRICS = (
    *("mouth_correlation", "mouth_correlation_raw", "csim", "sharpness", "brightness_drift", "psnr"),
    *("sync_confidence", "ofm", "f_mse", "frechet_lite0"),
)
GIVEN = "model"
"""The name under which steps refer to a model that was given."""


def steps(
    scale: Scale,
    seed: int,
    overrides: Sequence[str],
    grid: Sequence[str] = (),
    model: str | PathLike[str] | None = None,
) -> list[Step]:
    """The plan: a model for each combination of training fields, a rollout of each cell, one page.

    Args:
        scale: gives the preset, and the length of a training.
        seed: of trainings and rollouts.
        overrides: of every training; of a given model's sampling.
        grid: as `grid.cells` takes it; denoising steps alone where empty.
        model: what all cells sample from; then the grid is of sampling alone.

    Raises:
        ConfigError: a cell that no model can have, or a training field where a model is given.
        ModelError: no such model.
    """
    found = cells(grid or DEFAULT)
    if model is not None and (wrong := [field for field in (*overrides, *found[0].fields) if _trains(field)]):
        raise ConfigError(f"{wrong[0]}: {model} is trained already; sweep its sampling, or leave --model out")
    checked = [_config(scale, overrides, cell, model) for cell in found]
    some = {"data": "<data>", "split": "val", "clips": scale.clips, "size": checked[0].data.size}
    if any(config.data.size != checked[0].data.size for config in checked):
        raise ConfigError("--grid data.size: cells of different sizes do not compare; sweep one size")
    few = "viseme.studies.stores.few_clips"
    plan = [Step("clips", few, "store", {**some, "frames": min(FRAMES, scale.frames)})]
    runs = {fields: f"m{at}" for at, fields in enumerate(dict.fromkeys(cell.training for cell in found))}
    if model is None:
        plan += [train_step(name, scale, seed, [*overrides, *fields]) for fields, name in runs.items()]
    for at, cell in enumerate(found):
        source = f"<{GIVEN}>" if model is not None else f"<train/{runs[cell.training]}>"
        sampling = [*(overrides if model is not None else ()), *cell.sampling]
        plan += rollout_steps(f"c{at + 1}", source, "<clips>", seed, "val", METRICS, overrides=sampling)
    arguments: dict[str, Any] = {
        "results": {f"c{at + 1}": f"<evaluate/c{at + 1}>" for at in range(len(found))},
        "videos": {f"c{at + 1}": f"<generate/c{at + 1}>" for at in range(len(found))},
        "titles": {f"c{at + 1}": cell.title for at, cell in enumerate(found)},
    }
    return [*plan, Step("page", "viseme.studies.sweep.draw", "index.html", arguments, gathers=True)]


def _trains(field: str) -> bool:
    return not field.startswith(SAMPLING)


def _config(scale: Scale, overrides: Sequence[str], cell: Cell, model: str | PathLike[str] | None) -> Config:
    """A cell's configuration, checked before anything is trained."""
    if model is None:
        return load_config(scale.preset, [*scale.training, *overrides, *cell.fields])
    path = model_path(str(model))
    return sampled_config(read_model(path).config, path, [*overrides, *cell.fields])


def draw(results: Mapping[str, str], videos: Mapping[str, str], titles: Mapping[str, str], out: str) -> None:
    """The page, of the cells that are done.

    Args:
        results: cell -> results file.
        videos: cell -> folder of videos.
        titles: cell -> its settings.
        out: `index.html`.
    """
    systems = loaded(results, titles)
    speeds = {titles[cell]: speed(folder) for cell, folder in videos.items() if titles[cell] in systems}
    missing = [title for title in titles.values() if title not in systems]
    numbers = {title: at for at, title in enumerate(titles.values(), start=1)}
    first = next(iter(systems.values()))
    clips = scored(first)
    machine = first.provenance.get("machine")
    frechet = {title: r.sets["frechet_lite0"].value for title, r in systems.items() if "frechet_lite0" in r.sets}
    write_page(
        out,
        title="Quality against cost",
        question="Which settings give the most for their time?",
        facts={
            "Cells": "; ".join(f"{numbers[title]}: {title}" for title in systems),
            "Rollouts": f"{counted(len(clips), 'clip')} of actors to choose by, each from its first frame",
            "Frames a second": "made frames over the time that synthesis took, without reading and writing, on "
            f"{machine or 'the machine that made them'}, loaded as it was",
            "Front": "no other cell is both faster and better: filled and joined",
        },
        notes=[f"Not made, so not on this page: {listed(missing)}."] if missing else [],
        legend={},
        findings=[found for metric in METRICS if (found := _trade(systems, speeds, numbers, metric)) is not None],
        table=table(
            systems,
            METRICS,
            [
                Beside("frames_a_second", "Frames a second", "", 2, speeds),
                Beside("frechet_lite0", SET_METRICS["frechet_lite0"].title, "", 2, frechet),
            ],
        ),
    )


def speed(videos: str | PathLike[str]) -> float:
    """Frames a second that a folder of videos was made at; 0 where nothing was made."""
    rows = [row for row in VideoManifest.load(videos).clips if row.status == "ok"]
    seconds = sum(row.seconds for row in rows)
    return sum(row.frames - 1 for row in rows) / seconds if seconds else 0.0


def _trade(
    systems: Mapping[str, Results], speeds: Mapping[str, float], numbers: Mapping[str, int], metric: str
) -> Finding | None:
    """A metric over speed, and what its front says."""
    known = {**KNOWN, **SET_METRICS}[metric]
    points, target = [], None
    for title, results in systems.items():
        one = results.metrics.get(metric)
        value = one.mean if one is not None else results.sets[metric].value if metric in results.sets else None
        truth = one.truth if one is not None else None
        away = None if value is None else gap(known.better, value, truth)
        if value is not None and away is not None and speeds.get(title):
            points.append(Point(title, speeds[title], value, away))
            target = truth if known.better == "truth" else 0.0 if known.better == "zero" else None
    if not points:
        return None
    unit = f" {known.unit}" if known.unit else ""
    title = f"{known.title}{f', {known.unit}' if known.unit else ''}"
    panel = Trade(title, points, numbers, target)
    drawing = Drawing(metric, known.title, f"{known.title} over frames a second.", [panel], 1)
    means = " Means alone decide this; the table has their intervals." if metric in KNOWN else ""
    return Finding(drawing, f"{_says(points, known.digits, unit)}{means}")


def _says(points: Sequence[Point], digits: int, unit: str) -> str:
    """Who is on the front, with the ends of it."""
    best = front(points)
    fast, good = best[0], best[-1]
    rates = [f"{number(point.speed, 1)} frames a second" for point in (fast, good)]
    values = [f"{number(point.value, digits)}{unit}" for point in (fast, good)]
    if len(best) == 1:
        both = f"both the fastest ({rates[0]}) and the best ({values[0]})"
        return f"Of {counted(len(points), 'cell')}, {fast.name} is {both}."
    names = "; ".join(point.name for point in best)
    return (
        f"{counted(len(best), 'cell')} of {len(points)} are on the front: {names}. The fastest, {fast.name}, makes "
        f"{rates[0]} at {values[0]}; the best, {good.name}, {rates[1]} at {values[1]}."
    )

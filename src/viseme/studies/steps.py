"""`viseme study steps`: why more denoising steps made the paper's videos worse.

The paper found 50 steps better than 100, and names neither which timesteps were visited nor whether x0 was held to
[-1, 1]. One trained model is sampled with more and fewer steps under each of these conventions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.config import load_config
from viseme.diffusion.schedule import spaced_timesteps
from viseme.evaluation.results import Results
from viseme.report.wording import counted, listed, number
from viseme.studies.figures import Drawing
from viseme.studies.measures import loaded, lost, ranked, scored, shown_better, table
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Curve, Curves, Heat
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, picture_size, rollout_steps, train_step

COUNTS = (10, 20, 50, 100, 250)
SPACINGS = ("leading", "trailing", "linspace")
CLAMPS = ("none", "static")
SAMPLERS = ("ddim", "ddpm")
BASE = (
    *("sampling.motion=previous", "motion.drop=0", "motion.noise=0"),
    *("diffusion.prediction=eps", "diffusion.residual=false", "loss.min_snr=0", "loss.l1=0", "model.patch=1"),
)
"""The paper's model: it predicts each pixel's eps, all timesteps weighing alike, and is fed its own last frame."""
METRICS = (
    *("mouth_correlation", "mouth_correlation_raw", "sharpness", "brightness_drift", "sharpness_drift"),
    *("csim", "psnr", "f_mse", "ofm", "brightness"),
)
SHOWN = ("psnr", "mouth_correlation", "sharpness", "brightness_drift")
COLOURS = ("system0", "system1", "system2", "system3", "system4", "system5")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sample but for the number of steps."""

    sampler: str
    spacing: str
    clamp: str

    @property
    def title(self) -> str:
        return f"{self.sampler}, {self.spacing}, {'clamped' if self.clamp == 'static' else 'free'}"


WAYS = tuple(Way(sampler, spacing, clamp) for sampler in SAMPLERS for spacing in SPACINGS for clamp in CLAMPS)


def rollouts(total: int, counts: Sequence[int] = COUNTS) -> dict[str, tuple[Way, int]]:
    """Name of a rollout -> how it is sampled, for a model trained with `total` timesteps.

    Where all timesteps are visited, spacings do not differ, and one stands for all.
    """
    found = {}
    for way in WAYS:
        for count in counts:
            if count < total or (count == total and way.spacing == SPACINGS[0]):
                found[f"{way.sampler}_{way.spacing}_{way.clamp}_{count}"] = (way, count)
    return found


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: one model, a rollout of each way and count, one page."""
    longer = (f"training.steps={scale.eps_steps}", f"training.decay_steps={scale.eps_steps * 2 // 5}")
    fields = [*longer, *BASE, *overrides]
    some = {"data": "<data>", "split": "val", "clips": scale.clips, "size": picture_size(scale, overrides)}
    plan = [
        train_step("model", scale, seed, fields),
        Step("clips", "viseme.studies.stores.few_clips", "store", {**some, "frames": scale.short}),
    ]
    config = load_config(scale.preset, [*scale.training, *fields])
    total = config.diffusion.steps if hasattr(config, "diffusion") else COUNTS[-1]
    names = rollouts(total, scale.counts or COUNTS)
    for name, (way, count) in names.items():
        sampling = [
            *(f"sampling.sampler={way.sampler}", f"sampling.spacing={way.spacing}"),
            *(f"sampling.clamp={way.clamp}", f"sampling.steps={count}"),
        ]
        plan += rollout_steps(name, "<train/model>", "<clips>", seed, "val", METRICS, overrides=sampling)
    results = {name: f"<evaluate/{name}>" for name in names}
    return [
        *plan,
        Step("page", "viseme.studies.steps.draw", "index.html", {"results": results, "total": total}, gathers=True),
    ]


def draw(results: Mapping[str, str], total: int, out: str) -> None:
    """The page, of the rollouts that are done.

    Args:
        results: rollout -> results file.
        total: timesteps that the model was trained with.
        out: `index.html`.
    """
    asked = rollouts(total, sorted({int(name.rpartition("_")[2]) for name in results}))
    titles = {name: f"{way.title}, {count}" for name, (way, count) in asked.items()}
    systems = loaded(results, titles)
    grid = {asked[name]: systems[title] for name, title in titles.items() if title in systems}
    missing = [title for title in titles.values() if title not in systems]
    clips = scored(next(iter(systems.values())))
    write_page(
        out,
        title="Denoising steps",
        question="The paper's videos were worse with 100 denoising steps than with 50. Which convention makes it so?",
        facts={
            "Model": f"one, trained with {total} timesteps to predict eps, fed its own last frame",
            "Rollouts": f"{counted(len(clips), 'clip')} of actors to choose by, each from its first frame",
            "free, clamped": "whether the estimate of x0 is held to [−1, 1] at each step",
            "All timesteps": "where every timestep is visited, spacings do not differ: one stands for all",
        },
        notes=_notes(systems, missing),
        legend={},
        findings=[*_begins(grid, total), *(finding for metric in SHOWN for finding in _found(grid, systems, metric))],
        table=table(systems, METRICS),
    )


def _notes(systems: Mapping[str, Results], missing: Sequence[str]) -> list[str]:
    """What is not there, and whose numbers are of no face."""
    lines = [f"Not made, so not on this page: {counted(len(missing), 'way')}, {missing[0]} first."] if missing else []
    if gone := lost(systems):
        named = listed(gone) if len(gone) < 5 else f"{len(gone)} of {counted(len(systems), 'way')}"
        named = "any way" if len(gone) == len(systems) else named
        lines.append(
            f"In the first second already, no face like the identity frame's is seen with {named}: "
            "scores of such pictures say nothing of steps; train the model longer."
        )
    return lines


def _begins(grid: Mapping[tuple[Way, int], Results], total: int, metric: str = "psnr") -> list[Finding]:
    """The score by the timestep that sampling begins at: what a spacing and a number of steps decide together."""
    places: dict[str, dict[int, list[float]]] = {}
    for (way, count), found in grid.items():
        if metric in found.metrics:
            name = f"{way.sampler}, {'clamped' if way.clamp == 'static' else 'free'}"
            first = spaced_timesteps(total, count, way.spacing)[0]
            places.setdefault(name, {}).setdefault(first, []).append(found.metrics[metric].mean)
    if not places:
        return []
    known = next(found.metrics[metric] for found in grid.values() if metric in found.metrics)
    curves = [
        Curve(name, COLOURS[at], sorted(by), [float(np.mean(by[first])) for first in sorted(by)])
        for at, (name, by) in enumerate(places.items())
    ]
    unit = f" {known.unit}" if known.unit else ""
    parts = [
        f"from {number(curve.values[0], known.digits)} at timestep {curve.places[0]} to "
        f"{number(curve.values[-1], known.digits)}{unit} at {curve.places[-1]} with {curve.name}"
        for curve in curves
        if len(curve.places) > 1
    ]
    leading = [f"{spaced_timesteps(total, n, 'leading')[0]} with {n}" for n in (50, 100) if n <= total]
    says = f"{known.title} goes {listed(parts)}. " if parts else ""
    says += f"Of {total} timesteps, leading begins at {listed(leading)} steps." if leading else ""
    drawing = Drawing(
        "begins",
        f"{known.title} by the first timestep",
        f"{known.title} by the timestep that sampling begins at.",
        [Curves(known.title, curves, "first timestep", named=True)],
        1,
    )
    return [Finding(drawing, says)]


def _found(grid: Mapping[tuple[Way, int], Results], systems: Mapping[str, Results], metric: str) -> list[Finding]:
    known = next((r.metrics[metric] for r in systems.values() if metric in r.metrics), None)
    if known is None:
        return []
    counts = sorted({count for _, count in grid})
    ways = [way for way in WAYS if any(way == other for other, _ in grid)]
    values = np.full((len(ways), len(counts)), np.nan)
    for (way, count), found in grid.items():
        if metric in found.metrics:
            values[ways.index(way), counts.index(count)] = found.metrics[metric].mean
    heat = Heat(known.title, [way.title for way in ways], [str(c) for c in counts], values, known.digits, "steps")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.08 * (high - low) or 1.0
    lines = [
        Curves(
            f"{sampler}, {'clamped' if clamp == 'static' else 'free'}",
            [
                Curve(way.spacing, COLOURS[SPACINGS.index(way.spacing)], np.array(counts)[known_at], row[known_at])
                for way, row in zip(ways, values, strict=True)
                if (way.sampler, way.clamp) == (sampler, clamp)
                for known_at in [np.isfinite(row)]
                if known_at.sum() > 1
            ],
            "steps",
            bottom=low - pad,
            top=high + pad,
            powers=True,
            named=True,
        )
        for sampler in SAMPLERS
        for clamp in CLAMPS
    ]
    says = f"{_best(systems, metric)} {_more_steps(grid, metric)}".strip()
    return [
        Finding(Drawing(f"{metric}_table", known.title, f"{known.title} by way and steps.", [heat], 1), says),
        Finding(
            Drawing(f"{metric}_lines", f"{known.title} by steps", f"{known.title} by steps.", lines, 2),
            _spacing(grid, metric),
        ),
    ]


def _best(systems: Mapping[str, Results], metric: str) -> str:
    order = ranked(systems, metric)
    known = systems[order[0][0]].metrics[metric]
    (best, top), (worst, last) = order[0], order[-1]
    unit = f" {known.unit}" if known.unit else ""
    return (
        f"{known.title} is best with {best} steps ({number(top, known.digits)}{unit}) and worst with {worst} steps "
        f"({number(last, known.digits)}{unit})."
    )


def _more_steps(grid: Mapping[tuple[Way, int], Results], metric: str) -> str:
    """In which ways 100 steps are shown to be worse, or better, than 50."""
    pairs = {way: (grid[way, 50], grid[way, 100]) for way, count in grid if count == 50 and (way, 100) in grid}
    if not pairs:
        return ""
    shown = {way: shown_better(more, fewer, metric) for way, (fewer, more) in pairs.items()}
    worse = [way.title for way, found in shown.items() if found is not None and found.low > 0]
    better = [way.title for way, found in shown.items() if found is not None and found.high < 0]
    if not worse and not better:
        return f"In none of {counted(len(pairs), 'way')} are 100 steps shown to differ from 50."
    parts = [f"worse than 50 with {listed(worse)}"] * bool(worse) + [f"better with {listed(better)}"] * bool(better)
    return f"A hundred steps are shown to be {', and '.join(parts)}, of {counted(len(pairs), 'way')}."


def _spacing(grid: Mapping[tuple[Way, int], Results], metric: str) -> str:
    """How much of the spread between ways each choice explains."""
    means = {key: found.metrics[metric].mean for key, found in grid.items() if metric in found.metrics}
    shares = {}
    for at, name in enumerate(("the sampler", "the spacing", "the clamp", "the number of steps")):
        groups: dict[object, list[float]] = {}
        for (way, count), mean in means.items():
            groups.setdefault((way.sampler, way.spacing, way.clamp, count)[at], []).append(mean)
        shares[name] = float(np.ptp([np.mean(group) for group in groups.values()]))
    order = sorted(shares, key=lambda name: -shares[name])
    known = next(found.metrics[metric] for found in grid.values() if metric in found.metrics)
    unit = f" {known.unit}" if known.unit else ""
    return (
        f"On means over all else, {order[0]} moves it most, by {number(shares[order[0]], known.digits)}{unit}, "
        f"and {order[-1]} least, by {number(shares[order[-1]], known.digits)}{unit}."
    )

"""`viseme study finetune`: from small pictures to pictures twice as large.

The paper carried its 64-pixel model on at 128 with the same weights, and it failed. Under one number of steps that way
is set against fresh weights and against a network grown so that its trunk sees what it has learned on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.errors import ConfigError
from viseme.evaluation.results import Results
from viseme.report.wording import counted, listed, number
from viseme.studies.figures import Drawing
from viseme.studies.measures import dots, loaded, ranked, scored, shown_better, table
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Curve, Curves, Dots
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps, train_step
from viseme.training.history import read_history
from viseme.training.run import RunFolder

METRICS = (
    *("ssim", "psnr", "mouth_correlation", "mouth_correlation_raw", "opening_spread", "sharpness", "csim"),
    *("brightness_drift", "mouth_lmd"),
)
SHOWN = ("ssim", "psnr", "sharpness", "mouth_correlation")
PROGRESS = (("ssim", "SSIM"), ("psnr", "PSNR, dB"), ("mouth_correlation_raw", "Mouth correlation, raw"))
"""Scores of the rollouts that training itself makes, by which ways can be compared while they learn."""
CHECKS = 8
"""How often each training is looked at."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a model of the larger pictures begins.

    Attributes:
        grown: whether each side of a patch doubles with the picture's, so that the trunk works where it did.
        carried: whether it begins from the small model's weights.
        share: of the steps.
    """

    title: str
    colour: str
    grown: bool
    carried: bool
    share: int = 1


WAYS: Mapping[str, Way] = {
    "scratch": Way("fresh", "system1", grown=True, carried=False),
    "same": Way("same weights", "system2", grown=False, carried=True),
    "grown": Way("grown", "system0", grown=True, carried=True),
    "scratch_long": Way("fresh, twice the steps", "muted", grown=True, carried=False, share=2),
}


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: the small model, a large one each way, a rollout of each, one page."""
    small = load_config(scale.preset, [*scale.overrides, *overrides])
    if not isinstance(small, DdpmConfig):
        raise ConfigError(f"preset {scale.preset}: is no diffusion model, and finetune grows one")
    size, patch = 2 * small.data.size, small.model.patch
    some = {"data": "<data>", "split": "val", "clips": scale.clips, "size": size, "frames": scale.frames}
    plan = [
        Step("clips", "viseme.studies.stores.few_clips", "store", some),
        train_step("small", scale, seed, overrides),
    ]
    for name, way in WAYS.items():
        total = scale.steps * way.share
        fields = [
            *(f"data.size={size}", f"training.steps={total}", f"training.validate_every={max(1, total // CHECKS)}"),
            *(f"training.rollout_clips={min(4, scale.clips)}", f"training.rollout_frames={min(51, scale.frames)}"),
            *([f"model.patch={2 * patch}", "diffusion.shift=2"] if way.grown else []),
            *(['training.init="<train/small>"'] if way.carried else []),
        ]
        plan.append(train_step(name, scale, seed, [*overrides, *fields]))
        plan += rollout_steps(name, f"<train/{name}>", "<clips>", seed, "val", METRICS)
    arguments = {
        "results": {name: f"<evaluate/{name}>" for name in WAYS},
        "runs": {name: f"<train/{name}>" for name in WAYS},
        "size": size,
    }
    return [*plan, Step("page", "viseme.studies.finetune.draw", "index.html", arguments, gathers=True)]


def draw(results: Mapping[str, str], runs: Mapping[str, str], size: int, out: str) -> None:
    """The page, of the ways that are done.

    Args:
        results: way -> results file.
        runs: way -> run folder.
        size: pixels a side of the larger pictures.
        out: `index.html`.
    """
    systems = loaded(results, {name: way.title for name, way in WAYS.items()})
    clips = scored(next(iter(systems.values())))
    missing = [way.title for way in WAYS.values() if way.title not in systems]
    paces = {WAYS[name].title: read_history(RunFolder(Path(run)).metrics).pace for name, run in runs.items()}
    write_page(
        out,
        title=f"From {size // 2} to {size} pixels",
        question="The paper's small model failed when it was carried on with larger pictures. Does a grown network do "
        "better, under the same number of steps?",
        facts={
            "Rollouts": f"{counted(len(clips), 'clip')} of actors to choose by, each from its first frame",
            "Steps": "as many for each way, and for the small model before it; fresh weights also with both together",
            "Seconds a step": "; ".join(f"{title} {number(pace, 2)}" for title, pace in paces.items() if pace),
            "Losses": "of different patches and noise shifts do not compare, so none is shown: rollouts are scored",
        },
        notes=[f"Not made, so not on this page: {listed(missing)}."] if missing else [],
        legend={way.title: way.colour for way in WAYS.values() if way.title in systems},
        findings=[_overview(systems), *_progress(runs)],
        table=table(systems, METRICS),
    )


def _overview(systems: Mapping[str, Results]) -> Finding:
    colours = {way.title: way.colour for way in WAYS.values()}
    known = {name: m for results in systems.values() for name, m in results.metrics.items()}
    panels = [Dots(known[m].title, dots(systems, m, colours), known[m].truth) for m in SHOWN if m in known]
    says = " ".join(_verdict(systems, metric) for metric in SHOWN if metric in known)
    return Finding(Drawing("scores", "Scores by way", "Scores of rollouts by way.", panels, 2), says)


def _verdict(systems: Mapping[str, Results], metric: str) -> str:
    order = ranked(systems, metric)
    if not order:
        return ""
    best = order[0][0]
    known = systems[best].metrics[metric]
    said = f"{known.title} is best with {best} ({number(order[0][1], known.digits)})"
    beaten = [t for t, _ in order[1:] if (d := shown_better(systems[best], systems[t], metric)) and d.high < 0]
    others = [title for title, _ in order[1:] if title not in beaten]
    parts = [f"shown better than {listed(beaten)}"] * bool(beaten) + [f"not than {listed(others)}"] * bool(others)
    return f"{said}, {', '.join(parts)}." if parts else f"{said}."


def _progress(runs: Mapping[str, str]) -> list[Finding]:
    """Scores of rollouts over the steps of training."""
    panels, parts = [], []
    for key, title in PROGRESS:
        curves = []
        for name, run in runs.items():
            found = read_history(RunFolder(Path(run)).metrics).curve("rollout", key)
            if len(found):
                curves.append(Curve(WAYS[name].title, WAYS[name].colour, found.steps.astype(float), found.values))
        if curves:
            panels.append(Curves(title, curves, "step"))
            first = max(curves, key=lambda curve: curve.values[0])
            last = max(curves, key=lambda curve: curve.values[-1])
            parts.append(f"in {title} {first.name} is ahead at its first check and {last.name} at its last")
    if not panels:
        return []
    drawing = Drawing("progress", "While they learn", "Scores of rollouts by step of training.", panels, 3)
    said = "; ".join(parts)
    return [Finding(drawing, f"{said[:1].upper()}{said[1:]}.")]

"""`viseme study bundled`: what the bundled models do on clips of people they never saw, every number made again.

Nothing is trained. Each model rolls out whole clips from their first frame with their own sound and with another
clip's, clips of the people it learned from, and ten seconds of clips joined; beside it stand the frozen photo and truth
through the same writer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from viseme.config import DdpmConfig, load_config
from viseme.errors import ConfigError, InputError
from viseme.evaluation.bootstrap import ENOUGH_CLIPS, Interval
from viseme.evaluation.metrics import SET_METRICS
from viseme.evaluation.results import Results, load, paired
from viseme.families import bundled_models
from viseme.report.wording import bounds, counted, number
from viseme.studies.figures import Drawing
from viseme.studies.measures import Beside, dots, loaded, scored, table
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Dot, Dots
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps
from viseme.studies.sweep import speed
from viseme.types import FPS

CONTROLS: Mapping[str, str] = {"frozen": "control: frozen photo", "reencoded": "control: re-encoded truth"}
METRICS = (
    *("mouth_correlation", "mouth_correlation_raw", "opening_spread", "mouth_lmd", "sync_offset", "sync_confidence"),
    *("head_motion", "blink_motion", "csim", "sharpness", "psnr", "ssim", "f_mse"),
    *("frechet_dlib", "frechet_lite0"),
)
LONG = ("brightness_drift", "sharpness_drift", "sharpness", "csim", "opening_spread")
SECONDS = 10
FIFTY = ", 50 steps"
"""What ends the title of a rollout in so many, of fewer clips than the others: its set is no set to compare."""


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: four stores of clips, rollouts of each model and control, a report and a page.

    Raises `ConfigError` for overrides: nothing is trained.
    """
    if overrides:
        raise ConfigError(f"{overrides[0]}: study bundled trains nothing; sweep a model's sampling by study sweep")
    models = bundled_models()
    size = min(load_config(name).data.size for name in models)
    toy = scale.frames < 100
    some: dict[str, Any] = {"data": "<data>", "clips": 2 if toy else 30, "size": size}
    whole = {"frames": scale.frames} if toy else {}
    few = "viseme.studies.stores.few_clips"
    joined = {**some, "clips": 2, "frames": scale.frames if toy else FPS * SECONDS + 1}
    plan = [
        Step("clips/test", few, "stores/test", {**some, **whole, "split": "test"}),
        Step("clips/seen", few, "stores/seen", {**some, **whole, "clips": min(some["clips"], 20), "split": "seen"}),
        Step("clips/few", few, "stores/few", {**some, **whole, "clips": 2 if toy else ENOUGH_CLIPS, "split": "test"}),
        Step("clips/long", "viseme.studies.stores.joined_clips", "stores/long", joined),
    ]
    for name in models:
        plan += rollout_steps(f"{name}_test", f"<{name}>", "<clips/test>", seed, "test", METRICS)
        plan += rollout_steps(
            f"{name}_shuffled", f"<{name}>", "<clips/test>", seed, "test", METRICS, shuffle_audio=seed
        )
        plan += rollout_steps(f"{name}_seen", f"<{name}>", "<clips/seen>", seed, "seen", METRICS)
        plan += rollout_steps(f"{name}_long", f"<{name}>", "<clips/long>", seed, "test", LONG)
        if _many_steps(name):
            more = ["sampling.steps=50"]
            plan += rollout_steps(f"{name}_fifty", f"<{name}>", "<clips/few>", seed, "test", METRICS, overrides=more)
    for control in CONTROLS:
        plan += rollout_steps(f"{control}_test", f"control:{control}", "<clips/test>", seed, "test", METRICS, size=size)
    plan += rollout_steps("reencoded_seen", "control:reencoded", "<clips/seen>", seed, "seen", METRICS, size=size)
    kinds = [step.name.removeprefix("evaluate/") for step in plan if step.name.startswith("evaluate/")]
    results = {kind: f"<evaluate/{kind}>" for kind in kinds}
    beside = {kind.removesuffix("_test"): path for kind, path in results.items() if kind.endswith("_test")}
    shuffled = {f"{name}, shuffled audio": results[f"{name}_shuffled"] for name in models}
    videos = {name: f"<generate/{name}_test>" for name in models}
    fifty = {f"{name}{FIFTY}": f"<generate/{name}_fifty>" for name in models if _many_steps(name)}
    arguments = {"results": results, "videos": videos, "timed": fifty}
    return [
        *plan,
        Step("report", "viseme.compare", "report", {"results": {**beside, **shuffled}}),
        Step("blind", "viseme.studies.blind.draw", "blind", {"videos": videos, "truth": "<generate/reencoded_test>"}),
        Step("page", "viseme.studies.bundled.draw", "index.html", arguments, gathers=True),
    ]


def _many_steps(name: str) -> bool:
    """Whether a model is a denoiser that was not taught to make do with few steps."""
    config = load_config(name)
    return isinstance(config, DdpmConfig) and not config.distillation.teacher


def draw(results: Mapping[str, str], videos: Mapping[str, str], timed: Mapping[str, str], out: str) -> None:
    """The page, of the rollouts that are done.

    Args:
        results: MODEL_KIND or CONTROL_KIND -> results file; a kind is `test`, `shuffled`, `seen`, `long` or `fifty`.
        videos: model -> its folder of videos of the test clips.
        timed: further rollouts whose speed is told, by title.
        out: `index.html`.
    """
    models = sorted(videos)
    titles = {f"{name}_test": name for name in models}
    titles |= {f"{name}_shuffled": f"{name}, shuffled audio" for name in models}
    titles |= {f"{name}_fifty": f"{name}{FIFTY}" for name in models}
    titles |= {f"{name}_test": title for name, title in CONTROLS.items()}
    systems = loaded(results, titles)
    other = {kind: load(path) for kind, path in results.items() if kind.endswith(("_seen", "_long"))}
    clips = scored(next(iter(systems.values())))
    actors = {clip.actor for clip in clips}
    speeds = {title: speed(folder) for title, folder in {**videos, **timed}.items() if title in systems}
    sets = {
        name: {title: found.sets[name].value for title, found in systems.items() if name in found.sets}
        for name in ("frechet_dlib", "frechet_lite0")
    }
    write_page(
        out,
        title="Bundled models",
        question="What do the models that come with viseme do with faces and voices that they have never met?",
        facts={
            "Clips": f"{counted(len(clips), 'clip')} of {counted(len(actors), 'actor')} held out from all "
            "training, each rolled out whole from its first frame",
            "Few": "so few people are: an interval over their clips speaks of these people only",
            "Shuffled audio": "the same model driven by another clip's sound of the same actor",
            "50 steps": f"{counted(ENOUGH_CLIPS, 'clip')} only, as many as an interval needs",
            "Frames a second": "made frames over the time that synthesis took on this machine, loaded as it was",
        },
        notes=[],
        legend={},
        findings=[
            *_listens(systems, models),
            *_moves(systems, other, models),
            *_looks(systems, models),
            *_lasts(other, models),
            *_progress(sets["frechet_dlib"], models),
        ],
        table=table(
            systems,
            METRICS,
            [
                Beside("in_step", "Within a frame of truth's offset", "%", 0, _in_step(systems)),
                *(
                    Beside(name, SET_METRICS[name].title, "", SET_METRICS[name].digits, values)
                    for name, values in sets.items()
                ),
                Beside("frames_a_second", "Frames a second", "", 1, speeds),
            ],
        ),
    )


def _listens(systems: Mapping[str, Results], models: Sequence[str]) -> list[Finding]:
    """Mouth correlation, and what the sound is worth: the paired difference to the same model hearing another clip."""
    parts = []
    for name in models:
        own, control = systems.get(name), systems.get(f"{name}, shuffled audio")
        if own is None or "mouth_correlation" not in own.metrics:
            continue
        found = own.metrics["mouth_correlation"]
        said = f"{name} follows the sound with r {number(found.mean, 2)} {bounds(found.low, found.high, 2)}"
        gain = None if control is None else _paired(own, control, "mouth_correlation")
        if gain is not None:
            said += f", {number(gain.mean, 2)} {bounds(gain.low, gain.high, 2)} above another clip's"
        parts.append(said)
    for one, other in combinations([name for name in models if name in systems], 2):
        if apart := _paired(systems[one], systems[other], "mouth_correlation"):
            shown = "shown" if apart.n >= ENOUGH_CLIPS and (apart.low > 0 or apart.high < 0) else "not shown"
            interval = f"{number(apart.mean, 2)} {bounds(apart.low, apart.high, 2)}"
            parts.append(f"that {one} and {other} differ is {shown} ({interval})")
    panel = Dots("Mouth correlation", dots(systems, "mouth_correlation"), 0.0)
    drawing = Drawing("listens", "Mouth correlation", "Mouth correlation by system.", [panel], 1)
    return [Finding(drawing, f"{'; '.join(parts)}.")] if parts else []


def _moves(systems: Mapping[str, Results], other: Mapping[str, Results], models: Sequence[str]) -> list[Finding]:
    """How far mouths open and heads move, and how much of the sync on faces it knows is left on those it does not."""
    names = ("opening_spread", "head_motion", "blink_motion")
    panels = [
        Dots(next(r.metrics[name].title for r in systems.values() if name in r.metrics), dots(systems, name), 1.0)
        for name in names
        if any(name in r.metrics for r in systems.values())
    ]
    parts = []
    ceiling = other.get("reencoded_seen")
    for name in models:
        spread = systems[name].metrics.get("opening_spread") if name in systems else None
        if spread is not None:
            parts.append(f"{name} opens the mouth {number(100 * spread.mean, 0)} % as far as truth")
        seen = other.get(f"{name}_seen")
        if seen and ceiling and "mouth_correlation" in seen.metrics and "mouth_correlation" in ceiling.metrics:
            share = seen.metrics["mouth_correlation"].mean / ceiling.metrics["mouth_correlation"].mean
            parts.append(f"on people it knows it reaches {number(100 * share, 0)} % of re-encoded truth's correlation")
    if not panels:
        return []
    drawing = Drawing("moves", "What moves, over truth's", "Motion by system, over truth's.", panels, len(panels))
    return [Finding(drawing, f"{'; '.join(parts)}.")]


def _looks(systems: Mapping[str, Results], models: Sequence[str]) -> list[Finding]:
    """Identity and sharpness."""
    names = ("csim", "sharpness")
    panels = [
        Dots(next(r.metrics[name].title for r in systems.values() if name in r.metrics), dots(systems, name), 0.0)
        for name in names
        if any(name in r.metrics for r in systems.values())
    ]
    parts = []
    for name in models:
        sharp = systems[name].metrics.get("sharpness") if name in systems else None
        if sharp is not None and sharp.truth:
            parts.append(f"{name} is {number(100 * sharp.mean / sharp.truth, 0)} % as sharp as truth")
    if not panels or not parts:
        return []
    drawing = Drawing("looks", "Likeness and sharpness", "Likeness and sharpness by system.", panels, len(panels))
    return [Finding(drawing, f"{'; '.join(parts)}.")]


def _lasts(other: Mapping[str, Results], models: Sequence[str]) -> list[Finding]:
    """What a long rollout does to brightness and sharpness."""
    long = {name: other[f"{name}_long"] for name in models if f"{name}_long" in other}
    panels = [
        Dots(next(r.metrics[name].title for r in long.values() if name in r.metrics), dots(long, name), 0.0)
        for name in ("brightness_drift", "sharpness_drift")
        if any(name in r.metrics for r in long.values())
    ]
    if not panels:
        return []
    parts = [
        f"{name} drifts by {number(found.metrics['brightness_drift'].mean, 2)} % in brightness"
        for name, found in long.items()
        if "brightness_drift" in found.metrics
    ]
    drawing = Drawing("lasts", "Drift over long clips", "Drift by system.", panels, len(panels))
    seconds = np.mean([clip.frames for found in long.values() for clip in scored(found)]) / FPS
    return [Finding(drawing, f"Over {number(float(seconds), 0)} seconds {'; '.join(parts)}.")]


def _progress(distances: Mapping[str, float], models: Sequence[str]) -> list[Finding]:
    """How far made faces lie from true ones as a set, beside the models that were bundled first."""
    first = json.loads((Path(__file__).with_name("first_models.json")).read_text(encoding="utf-8"))
    kinds = {name: load_config(name).kind for name in models if name in distances}
    known = {name: first[kind] for name, kind in kinds.items()}
    parts = [
        f"{name} lies {number(distances[name], 3)} from truth, "
        f"{number(100 * distances[name] / found['frechet_dlib'], 0)} % of what {found['name']} did"
        for name, found in known.items()
    ]
    if not parts:
        return []
    if still := distances.get(CONTROLS["frozen"]):
        parts.append(
            f"the frozen photo lies {number(still, 3)} from it, so that this says how faces look, not how they move"
        )
    shown = [Dot(title, v, v, v, "system0") for title, v in distances.items() if not title.endswith(FIFTY)]
    for one in first.values():
        value = one["frechet_dlib"]
        shown.append(Dot(f"first: {one['name']}", value, value, value, "muted"))
    panel = Dots(SET_METRICS["frechet_dlib"].title, shown, 0.0)
    drawing = Drawing("progress", "Fréchet distance of faces", "Fréchet distance on descriptors by system.", [panel], 1)
    return [Finding(drawing, f"Beside the models that were bundled first: {'; '.join(parts)}.")]


def _in_step(systems: Mapping[str, Results]) -> dict[str, float]:
    """Percent of clips whose mouth-audio offset is within a frame of truth's, by system."""
    found = {}
    for title, results in systems.items():
        away = [
            abs(clip.values["sync_offset"] - clip.truth["sync_offset"])
            for clip in scored(results)
            if "sync_offset" in clip.values and "sync_offset" in clip.truth
        ]
        if away:
            found[title] = 100 * float(np.mean(np.array(away) <= 1))
    return found


def _paired(one: Results, other: Results, metric: str) -> Interval | None:
    try:
        return paired(one, other, metric, np.random.default_rng(0))
    except InputError:
        return None

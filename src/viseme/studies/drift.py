"""`viseme study drift`: why rollouts drift in brightness and lips freeze, and what cures it.

The paper's 128-pixel model drifts after five frames, and the paper suspects the FiLMs stacked without a norm between.
Here one switch at a time is thrown against the plain recipe, a motion frame that is always the true one in training
and the network's own in a rollout, and long rollouts of held-out actors are scored over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.evaluation.results import Results
from viseme.report.wording import capitalised, counted, listed, number, signed
from viseme.studies.figures import Drawing
from viseme.studies.measures import dots, loaded, lost, mean_curve, ranked, scored, shown_better, table
from viseme.studies.noise import read_ratios
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Curve, Curves, Dots
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps, train_step

PLAIN, CURE = "plain", "cure"
BASE = ("sampling.motion=previous", "motion.drop=0", "motion.noise=0")
"""The plain recipe: the paper's."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is changed of the plain recipe: in training, or in sampling alone.

    Attributes:
        training: fields of its own network; where there are none it has that of another variant.
        sampling: fields of its rollouts.
        of: whose network it has then.
    """

    title: str
    training: tuple[str, ...] = ()
    sampling: tuple[str, ...] = ()
    of: str = PLAIN


VARIANTS: Mapping[str, Variant] = {
    PLAIN: Variant("plain"),
    "eps": Variant(
        "eps predicted", ("diffusion.prediction=eps", "diffusion.residual=false", "loss.min_snr=0", "loss.l1=0")
    ),
    "film_norm": Variant("norm before each FiLM", ("model.film_norm=true",)),
    "noise": Variant("noisy motion frame", ("motion.noise=0.3",)),
    "noise_kept": Variant("noise in rollouts too", sampling=("sampling.motion_noise=0.3",), of="noise"),
    "drop": Variant("dropped motion frame", ("motion.drop=0.3",)),
    "grayscale": Variant("grey motion frame", ("motion.grayscale=true",)),
    "motion_frames": Variant("two motion frames", ("data.motion_frames=2",)),
    "own": Variant("own frame in training", ("motion.own=0.5", "data.window=2")),
    "zero_snr": Variant(
        "zero terminal SNR, v",
        ("diffusion.zero_terminal_snr=true", "diffusion.prediction=v", "diffusion.residual=false"),
    ),
    "no_clamp": Variant("no clamp", sampling=("sampling.clamp=none",)),
    "anchor_every": Variant("identity every 25 frames", sampling=("sampling.anchor_every=25",)),
    "anchor_colour": Variant("colours anchored", sampling=("sampling.anchor_colour=true",)),
    CURE: Variant("cure: nothing carried on", ("motion.noise=0.3", "motion.drop=0.7"), ("sampling.motion=identity",)),
}
METRICS = (
    *("brightness_drift", "sharpness_drift", "identity_drift", "opening_spread", "opening_spread_least"),
    *("mouth_correlation_raw", "csim", "brightness", "sharpness"),
)
DRIFTS = ("brightness_drift", "sharpness_drift", "identity_drift")
CURVES = (
    ("brightness", "Brightness"),
    ("sharpness", "Sharpness"),
    ("identity", "Likeness to the identity frame"),
    ("spread", "Spread of the mouth opening"),
)


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: a model for each variant that is trained, a long rollout of each variant, one page."""
    from viseme.studies.scale import picture_size

    join = {"data": "<data>", "clips": scale.clips, "size": picture_size(scale, overrides), "frames": scale.frames}
    plan = [Step("join", "viseme.studies.stores.joined_clips", "store", join)]
    trained = [name for name, variant in VARIANTS.items() if variant.training or name == PLAIN]
    plan += [train_step(name, scale, seed, [*BASE, *overrides, *VARIANTS[name].training]) for name in trained]
    for name, variant in VARIANTS.items():
        model = f"<train/{name if name in trained else variant.of}>"
        plan += rollout_steps(name, model, "<join>", seed, "test", METRICS, overrides=list(variant.sampling))
    for name in trained:
        look = {"model": f"<train/{name}>", "data": "<data>", "count": scale.timesteps, "seed": seed}
        plan.append(Step(f"noise/{name}", "viseme.studies.noise.write_ratios", f"noise/{name}.json", look))
    arguments = {
        "results": {name: f"<evaluate/{name}>" for name in VARIANTS},
        "ratios": {name: f"<noise/{name}>" for name in trained},
    }
    return [*plan, Step("page", "viseme.studies.drift.draw", "index.html", arguments, gathers=True)]


def draw(results: Mapping[str, str], ratios: Mapping[str, str], out: str) -> None:
    """The page, of the variants that are done.

    Args:
        results: variant -> results file.
        ratios: variant -> file of `viseme.studies.noise`.
        out: `index.html`.
    """
    systems = loaded(results, {name: variant.title for name, variant in VARIANTS.items()})
    found = [_overview(systems), *_over_time(systems), *_cure(systems), *_noise(ratios)]
    first = next(iter(systems.values()))
    clips = scored(first)
    missing = [variant.title for variant in VARIANTS.values() if variant.title not in systems]
    write_page(
        out,
        title="Drift",
        question="A denoiser that is fed its own last frame drifts in brightness, and its lips freeze. "
        "Which single change stops it?",
        facts={
            "Rollouts": f"{counted(len(clips), 'long clip')} of {counted(len({c.actor for c in clips}), 'actor')} that "
            f"no model was trained on, {counted(min(c.frames for c in clips), 'frame')} each from one identity frame; "
            "their sound is that of several clips of the actor, one after another",
            "Drift": "mean of the last 25 frames against that of the first 25: in per cent of it, "
            "of likeness the difference",
            "Spread": "standard deviation of the mouth opening over each 25 frames",
        },
        notes=_notes(systems, missing),
        legend={"the variant": "system0", "plain": "muted", "truth": "truth"},
        findings=found,
        table=table(systems, METRICS),
    )


def _notes(systems: Mapping[str, Results], missing: Sequence[str]) -> list[str]:
    """What is not there, and who has nothing left to lose."""
    lines = [f"Not made, so not on this page: {listed(missing)}."] * bool(missing)
    if gone := lost(systems):
        lines.append(
            f"In the first second already, no face like the identity frame's is seen with {listed(gone)}: "
            "a picture that is lost from the start cannot drift, and small numbers there are no merit."
        )
    return lines


def _overview(systems: Mapping[str, Results]) -> Finding:
    colours = {VARIANTS[PLAIN].title: "muted", VARIANTS[CURE].title: "system2"}
    known = {name: m for results in systems.values() for name, m in results.metrics.items()}
    panels = [
        Dots(f"{known[m].title}{f', {known[m].unit}' if known[m].unit else ''}", dots(systems, m, colours), 0.0)
        for m in DRIFTS
        if m in known
    ]
    drawing = Drawing("drift", "Drift by variant", "Drift of brightness, sharpness and likeness by variant.", panels, 3)
    return Finding(drawing, " ".join(_drift_sentence(systems, metric) for metric in DRIFTS if metric in known))


def _drift_sentence(systems: Mapping[str, Results], metric: str) -> str:
    """Who drifts least and most, and which variants are shown to differ from plain."""
    order, plain = ranked(systems, metric), systems.get(VARIANTS[PLAIN].title)
    known = systems[order[0][0]].metrics[metric]
    (best, least), (worst, most) = order[0], order[-1]
    unit = f" {known.unit}" if known.unit else ""
    said = (
        f"{known.title} is least with {best} ({signed(least, known.digits)}{unit}) "
        f"and greatest with {worst} ({signed(most, known.digits)}{unit})"
    )
    if plain is None or len(order) < 2:
        return f"{said}."
    apart = {t: d for t, _ in order if systems[t] is not plain and (d := shown_better(systems[t], plain, metric))}
    better = [title for title, difference in apart.items() if difference.high < 0]
    worse = [title for title in apart if title not in better]
    verdicts = [f"less with {listed(better)}"] * bool(better) + [f"more with {listed(worse)}"] * bool(worse)
    if not verdicts:
        return f"{said}; against plain no variant is shown to differ."
    return f"{said}; against plain it is shown to be {' and '.join(verdicts)}."


def _over_time(systems: Mapping[str, Results]) -> list[Finding]:
    """One drawing a curve; the panels' common scale is that of the variants whose picture is not lost at once."""
    kept = set(systems) - set(lost(systems)) or set(systems)
    plain = systems.get(VARIANTS[PLAIN].title)
    found = []
    for key, title in CURVES:
        panels = []
        for name, results in systems.items():
            curves = [*mean_curve(results, f"{key}_truth", "truth", "truth")]
            if plain is not None and results is not plain:
                curves += mean_curve(plain, key, "plain", "muted")
            curves += mean_curve(results, key, name, "system0")
            panels.append(Curves(name, curves))
        shown = (curve for panel in panels if panel.title in kept for curve in panel.curves)
        values = np.concatenate([np.asarray(curve.values) for curve in shown])
        low, high = np.percentile(values, [0.5, 99.5])
        pad = 0.08 * (high - low) or 1.0
        panels = [Curves(p.title, p.curves, bottom=float(low - pad), top=float(high + pad)) for p in panels]
        alt = f"{title} by frame, one panel a variant, each with plain and truth."
        found.append(Finding(Drawing(key, f"{title} over time", alt, panels, 4), _course_sentence(systems, key, title)))
    return found


def _course_sentence(systems: Mapping[str, Results], key: str, title: str) -> str:
    """When plain leaves truth's range, and which variant ends nearest to truth."""
    ends = {}
    for name, results in systems.items():
        own, true = mean_curve(results, key, "", ""), mean_curve(results, f"{key}_truth", "", "")
        if own and true:
            second = 5 if key == "identity" else 25
            ends[name] = float(np.mean(own[0].values[-second:]) / (np.mean(true[0].values[-second:]) or np.nan))
    known = {name: share for name, share in ends.items() if np.isfinite(share)}
    if not known:
        return f"{title} could not be measured."
    nearest = min(known, key=lambda name: abs(known[name] - 1))
    farthest = max(known, key=lambda name: abs(known[name] - 1))
    near, far = (number(100 * known[name], 0) for name in (nearest, farthest))
    return (
        f"In the last second {title.lower()} stands nearest to truth with {nearest} ({near} % of truth's) "
        f"and farthest from it with {farthest} ({far} %)."
    )


def _cure(systems: Mapping[str, Results]) -> list[Finding]:
    """Cure on against off, where both are there."""
    titles = [VARIANTS[PLAIN].title, VARIANTS[CURE].title]
    if not set(titles) <= set(systems):
        return []
    plain, cure = (systems[title] for title in titles)
    panels = []
    for key, title in CURVES:
        curves: list[Curve] = [*mean_curve(plain, f"{key}_truth", "truth", "truth")]
        curves += mean_curve(plain, key, "plain", "muted") + mean_curve(cure, key, "cure", "system0")
        panels.append(Curves(title, curves))
    drawing = Drawing("cure", "Cure on and off", "Plain, cure and truth by frame.", panels, 4)
    parts = []
    for metric in DRIFTS:
        off, on = plain.metrics.get(metric), cure.metrics.get(metric)
        if off and on:
            unit = f" {off.unit}" if off.unit else ""
            without, with_it = (f"{signed(found.mean, found.digits)}{unit}" for found in (off, on))
            shown = shown_better(cure, plain, metric)
            verdict = "not shown to differ" if shown is None else "shown better" if shown.high < 0 else "shown worse"
            parts.append(f"{off.title.lower()} {without} without and {with_it} with it ({verdict})")
    return [Finding(drawing, f"{capitalised('; '.join(parts))}.")]


def _noise(ratios: Mapping[str, str]) -> list[Finding]:
    """Does a network overestimate the noise, which a rollout would add up?"""
    read = {VARIANTS[name].title: read_ratios(path) for name, path in ratios.items()}
    if not read:
        return []
    inner = {title: found.inner for title, found in read.items()}
    top = 1.5 * max(max(values) for values in inner.values())
    panels = [
        Curves(title, [Curve(title, "system0", found.timesteps, found.mean, found.std)], "timestep", bottom=0, top=top)
        for title, found in read.items()
    ]
    away = {title: float(np.mean(values)) for title, values in inner.items()}
    farthest = max(away, key=lambda title: abs(away[title] - 1))
    nearest = min(away, key=lambda title: abs(away[title] - 1))
    said = (
        f"Predicted noise is {number(100 * away[farthest], 1)} % as large as true noise with {farthest}, the farthest "
        f"from 100, and {number(100 * away[nearest], 1)} % with {nearest}, the nearest, on the mean over the inner "
        "four fifths of the timesteps."
    )
    drawing = Drawing("noise", "Predicted over true noise", "Ratio of norms by timestep, one panel a model.", panels, 4)
    return [Finding(drawing, said)]

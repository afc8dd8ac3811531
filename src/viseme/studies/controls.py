"""`viseme study controls`: which signal drives the mouth where a model hears a voice and sees landmarks.

The paper gave its model one signal at a time and found that landmarks drown the audio (its figure 10). Here each signal
is taken away in a rollout, both are set against each other, and remedies in training are tried. The landmarks are
truth's: they leak, so that this measures control, not quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.evaluation.bootstrap import Interval, interval
from viseme.evaluation.results import Results
from viseme.report.wording import counted, listed, number
from viseme.studies.conflict import Followed, followed
from viseme.studies.figures import Drawing
from viseme.studies.influence import Influence, pictures, read_influence
from viseme.studies.measures import dots, loaded, scored, table
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Dot, Dots, Panel, Picture
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, picture_size, rollout_steps, train_step

SIGNALS = ("audio", "landmarks")


@dataclass(frozen=True, slots=True)
class Variant:
    """How a model hears and sees both.

    Attributes:
        training: fields beside `model.landmarks`.
        sampling: fields of rollouts that have both signals.
        of: the variant whose network it is; its own where empty.
        dropped: whether it was trained to do without either signal; otherwise a signal that is taken away stands still.
    """

    title: str
    training: tuple[str, ...] = ()
    sampling: tuple[str, ...] = ()
    of: str = ""
    dropped: bool = False


DROPOUT = ("conditioning.drop_landmarks=0.5", "conditioning.drop_audio=0.1")
VARIANTS: Mapping[str, Variant] = {
    "film": Variant("FiLM"),
    "dropout": Variant("FiLM, signals dropped", DROPOUT, dropped=True),
    "guidance": Variant(
        "FiLM, signals dropped, audio guided", sampling=("sampling.guidance_audio=2",), of="dropout", dropped=True
    ),
    "token": Variant("tokens", ("model.fusion=token",)),
}
CONDITIONS: Mapping[str, str] = {
    "both": "both signals",
    "only_audio": "audio alone",
    "only_landmarks": "landmarks alone",
    "conflict": "another clip's audio",
}
METRICS = ("mouth_correlation", "mouth_correlation_raw", "mouth_lmd", "lmd", "opening_spread", "csim", "sharpness")


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: a model a variant that is trained, four rollouts of each variant, one page."""
    some = {"split": "val", "clips": 2 * scale.clips, "size": picture_size(scale, overrides), "frames": scale.frames}
    lacking = "viseme.studies.stores.without"
    plan = [
        Step("clips", "viseme.studies.stores.few_clips", "stores/clips", {"data": "<data>", **some}),
        *(Step(f"no_{s}", lacking, f"stores/no_{s}", {"data": "<clips>", "signal": s}) for s in SIGNALS),
    ]
    for name, variant in VARIANTS.items():
        if not variant.of:
            plan.append(train_step(name, scale, seed, ["model.landmarks=true", *overrides, *variant.training]))
    for name, variant in VARIANTS.items():
        for condition in CONDITIONS:
            plan += _rollout(name, variant, condition, seed)
        videos = {c: f"<generate/{name}_{c}>" for c in ("both", "only_audio", "only_landmarks")}
        call = "viseme.studies.influence.write_influence"
        plan.append(Step(f"influence/{name}", call, f"influence/{name}.json", {**videos, "data": "<clips>"}))
    arguments = {
        "results": {f"{v}_{c}": f"<evaluate/{v}_{c}>" for v in VARIANTS for c in CONDITIONS},
        "influences": {name: f"<influence/{name}>" for name in VARIANTS},
        "videos": {f"{v}_{c}": f"<generate/{v}_{c}>" for v in VARIANTS for c in CONDITIONS},
        "data": "<clips>",
    }
    return [*plan, Step("page", "viseme.studies.controls.draw", "index.html", arguments, gathers=True)]


def _rollout(name: str, variant: Variant, condition: str, seed: int) -> list[Step]:
    """One rollout: where a network knows no absence, the signal taken away stands still in the clips themselves."""
    gone = {"only_audio": "landmarks", "only_landmarks": "audio"}.get(condition)
    fields, clips = list(variant.sampling), "<clips>"
    if gone and variant.dropped:
        fields = [f"sampling.without=[{gone}]", *(field for field in fields if gone not in field)]
    elif gone:
        clips = f"<no_{gone}>"
    shuffled = {"shuffle_audio": seed} if condition == "conflict" else {}
    model = f"<train/{variant.of or name}>"
    made, marks = rollout_steps(f"{name}_{condition}", model, clips, seed, "val", METRICS, overrides=fields, **shuffled)
    return [made, Step(marks.name, marks.call, marks.makes, {**marks.arguments, "reference": "<clips>"})]


def draw(
    results: Mapping[str, str],
    influences: Mapping[str, str],
    videos: Mapping[str, str],
    out: str,
    data: str,
) -> None:
    """The page, of the variants that are done.

    Args:
        results: VARIANT_CONDITION -> results file.
        influences: variant -> file of `viseme.studies.influence`.
        videos: VARIANT_CONDITION -> folder of videos.
        out: `index.html`.
        data: the store of the clips.
    """
    titles = {f"{v}_{c}": f"{VARIANTS[v].title}: {CONDITIONS[c]}" for v in VARIANTS for c in CONDITIONS}
    systems = loaded(results, titles)
    clips = scored(next(iter(systems.values())))
    missing = [title for title in titles.values() if title not in systems]
    found = [*_influence({VARIANTS[v].title: read_influence(path) for v, path in influences.items()})]
    found += _alone({name: systems[titles[name]] for name in titles if titles[name] in systems})
    found += _conflict(systems, titles, videos, data)
    found += _frames(videos)
    write_page(
        out,
        title="Control signals",
        question="A model that hears a voice and sees landmarks: which of them moves the mouth, and which remedy lets "
        "the audio through?",
        facts={
            "Rollouts": f"{counted(len(clips), 'clip')} of actors to choose by, each from its first frame",
            "Taken away": "a network that was trained to do without a signal is told of its absence; for any other the "
            "identity frame's landmarks are repeated, or the sound is silent",
            "Influence": "mean absolute difference, on 0–255, that taking a signal away makes to the frames",
        },
        notes=[
            "Truth's landmarks drive every rollout that has them: they leak, and this measures control, not quality.",
            *([f"Not made, so not on this page: {listed(missing)}."] if missing else []),
        ],
        legend={"audio": "system0", "landmarks": "system1"},
        findings=found,
        table=table(systems, METRICS),
    )


def _influence(found: Mapping[str, Influence]) -> list[Finding]:
    if not found:
        return []
    panels = []
    for place in ("frame", "mouth"):
        rows = []
        for title, influence in found.items():
            for signal, colour in zip(SIGNALS, ("system0", "system1"), strict=True):
                values = influence.differences[signal][place]
                spread = interval(values, influence.actors, np.random.default_rng(0))
                rows.append(Dot(f"{title}: {signal}", spread.mean, spread.low, spread.high, colour))
        panels.append(Dots(f"Influence on the {'whole frame' if place == 'frame' else 'mouth box'}", rows, 0.0))
    shares = {title: influence.share("mouth") for title, influence in found.items()}
    says = "; ".join(f"{title} {number(100 * share, 0)} %" for title, share in shares.items())
    most = max(shares, key=lambda title: shares[title])
    drawing = Drawing("influence", "Influence of each signal", "Influence by variant and signal.", panels, 2)
    said = f"Of what both signals move in the mouth box, audio moves: {says}. It has most to say with {most}."
    return [Finding(drawing, said)]


def _alone(systems: Mapping[str, Results]) -> list[Finding]:
    panels, parts = [], []
    for v, variant in VARIANTS.items():
        mine = {CONDITIONS[c]: systems[f"{v}_{c}"] for c in CONDITIONS if f"{v}_{c}" in systems and c != "conflict"}
        if mine:
            panels.append(Dots(variant.title, dots(mine, "mouth_correlation"), 0.0))
            means = {
                c: r.metrics["mouth_correlation"].mean for c, r in mine.items() if "mouth_correlation" in r.metrics
            }
            parts.append(f"{variant.title}: " + ", ".join(f"{number(mean, 2)} with {c}" for c, mean in means.items()))
    if not panels:
        return []
    drawing = Drawing("alone", "Mouth correlation by signal", "Mouth correlation by variant and signal.", panels, 2)
    return [Finding(drawing, f"{'; '.join(parts)}.")]


def _conflict(
    systems: Mapping[str, Results], titles: Mapping[str, str], videos: Mapping[str, str], data: str
) -> list[Finding]:
    found: dict[str, Followed] = {}
    for v, variant in VARIANTS.items():
        crossed, both = systems.get(titles[f"{v}_conflict"]), systems.get(titles[f"{v}_both"])
        if crossed and both and (pairs := followed(crossed, both, videos[f"{v}_conflict"], data)).actors:
            found[variant.title] = pairs
    if not found:
        return []
    rows, parts = [], []
    for title, pairs in found.items():
        spreads = {}
        for signal, colour in zip(SIGNALS, ("system0", "system1"), strict=True):
            spread = spreads[signal] = interval(pairs.r[signal], pairs.actors, np.random.default_rng(0))
            rows.append(Dot(f"{title}: {signal}", spread.mean, spread.low, spread.high, colour))
        ahead = interval(pairs.ahead, pairs.actors, np.random.default_rng(0))
        verdict = _verdict(spreads["audio"], spreads["landmarks"], ahead)
        parts.append(
            f"{title} {verdict} ({number(spreads['audio'].mean, 2)} with the audio's clip, "
            f"{number(spreads['landmarks'].mean, 2)} with the landmarks')"
        )
    panels: list[Panel] = [Dots("Mouth correlation with the clip of", rows, 0.0)]
    drawing = Drawing("conflict", "Audio of one clip, landmarks of another", "Which clip the mouth follows.", panels, 1)
    return [Finding(drawing, f"{'; '.join(parts)}.")]


def _verdict(audio: Interval, landmarks: Interval, ahead: Interval) -> str:
    """Whom a mouth follows: a clip with which its correlation is shown to be above zero, and above that with the other.

    `ahead` is audio's less landmarks'.
    """
    if audio.low <= 0 and landmarks.low <= 0:
        return "is not shown to follow either"
    if ahead.low > 0:
        return "follows the audio"
    return "follows the landmarks" if ahead.high < 0 else "is not shown to follow one more than the other"


def _frames(videos: Mapping[str, str]) -> list[Finding]:
    """In the manner of the paper's figure 10: a frame with both, with either, and what either changes."""
    panels: list[Panel] = []
    stronger = []
    for v, variant in VARIANTS.items():
        folders = [videos.get(f"{v}_{c}") for c in ("both", "only_audio", "only_landmarks")]
        shown = pictures(*(folder for folder in folders if folder)) if all(folders) else None
        if shown is not None:
            panels.append(Picture(variant.title, shown.sheet))
            stronger.append(f"{variant.title} {number(shown.audio, 1)} against {number(shown.landmarks, 1)}")
    if not panels:
        return []
    drawing = Drawing("frames", "One frame, signal by signal", "Frames by variant and signal.", panels, 1)
    said = (
        "From left to right: both signals, audio alone, landmarks alone; what lacks without audio, without landmarks "
        "(fourfold, on grey). Taking away the audio changes a pixel of this frame by so much on the mean, against "
        f"taking away the landmarks (of 255): {'; '.join(stronger)}. Faces that were made are AI-generated."
    )
    return [Finding(drawing, said)]

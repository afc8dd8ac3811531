"""Figures 1 and 9 to 13 of the paper: a frame with its landmarks, and frames that were made, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from viseme.config import load_config
from viseme.data.store import Store
from viseme.data.video import read_frames
from viseme.data.windows import mouth_boxes
from viseme.errors import InputError
from viseme.evaluation.quality import luma, sharpness
from viseme.evaluation.results import Results
from viseme.generation.manifest import VideoManifest
from viseme.report.wording import listed, number
from viseme.studies.figures import Drawing
from viseme.studies.influence import pictures as one_at_a_time
from viseme.studies.influence import read_influence
from viseme.studies.panels import Panel, Picture, Pointed
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.plan import CHOSEN, COUNTS, SPLIT
from viseme.studies.paper.published import published
from viseme.studies.stores import by_turns
from viseme.types import UInt8

COLUMNS = 8
"""Frames of a strip, evenly over the clip."""
GENERATED = "Faces that were made are AI-generated."


def figure_1(made: Made) -> Section:
    """Two training clips' first frames with their landmarks."""
    store = made.store
    rows = by_turns(store.clips("train"))[:2]
    if not rows:
        raise InputError(f"{made.data}: holds no clips of split train")
    panels: list[Panel] = [
        Pointed(row.actor, store.frames(row.clip_id, 0, 1)[0], store.landmarks(row.clip_id)[0]) for row in rows
    ]
    says = f"First frames of {listed([row.clip_id for row in rows])}, by {store.info.detector}."
    return _section("Figure 1", "Frames with their 68 landmarks", panels, says, 2)


def figure_9(made: Made) -> Section:
    """A rollout of the model with landmarks, under truth."""
    clip_id = _clips(made, ["generate/landmarks"])[0]
    clips = Store.open(made.path("clips/large"))
    own, true = _video(made, "generate/landmarks", clip_id), clips.frames(clip_id)
    length = min(len(own), len(true))
    config = load_config(made.run("landmarks").config)
    boxes = mouth_boxes(clips.landmarks(clip_id), clips.info.size, config.data.mouth_margin)[:length]
    moves = {name: _mouth_moves(frames[:length], boxes) for name, frames in (("made", own), ("true", true))}
    light = luma(own[1:length]).mean(axis=(1, 2))
    kept = min(published().kept_frames, len(light))
    first, last = float(light[:kept].mean()), float(light[-kept:].mean())
    rises = "rises" if last > first else "does not rise"
    says = (
        f"Truth above, made below, {clip_id}. Brightness {rises}: mean luma {number(first, 1)} over the first {kept} "
        f"made frames, {number(last, 1)} over the last {kept}. In the mouth box, neighbouring frames differ by "
        f"{number(float(moves['made'][:kept].mean()), 2)} in the first {kept} steps and "
        f"{number(float(moves['made'][kept:].mean()) if length > kept + 1 else 0.0, 2)} later (truth: "
        f"{number(float(moves['true'][:kept].mean()), 2)} and "
        f"{number(float(moves['true'][kept:].mean()) if length > kept + 1 else 0.0, 2)}, of 255). {GENERATED}"
    )
    sheet = _sheet([true[:length], own[:length]])
    flags = ["Truth's landmarks drive it: they leak how the mouth moves."]
    return _section("Figure 9", f"Samples at {made.large} pixels, with landmarks", [Picture("", sheet)], says, 1, flags)


def figure_10(made: Made) -> Section:
    """A frame with both signals, with either alone, and what lacks."""
    found = read_influence(made.path("influence"))
    shown = one_at_a_time(*(made.path(f"generate/{name}") for name in ("both", "only_audio", "only_landmarks")))
    if shown is None:
        raise InputError("no clip has a video with both signals and with either alone")
    changes = {signal: float(np.mean(found.differences[signal]["frame"])) for signal in ("audio", "landmarks")}
    mouth = {signal: float(np.mean(found.differences[signal]["mouth"])) for signal in ("audio", "landmarks")}
    stronger = "landmarks weigh" if changes["landmarks"] > changes["audio"] else "audio weighs"
    says = (
        "From left to right: both signals, audio alone, landmarks alone; what lacks without audio, without landmarks "
        f"(fourfold, on grey). Taking the audio away changes a pixel by {number(changes['audio'], 2)} of 255, taking "
        f"the landmarks away by {number(changes['landmarks'], 2)}: {stronger} more. In the mouth "
        f"box: {number(mouth['audio'], 2)} and {number(mouth['landmarks'], 2)}. {GENERATED}"
    )
    flags = ["A signal that is taken away stands still: the sound is silent, or the identity frame's landmarks stay."]
    panels = [Picture("", shown.sheet)]
    return _section("Figure 10", "Strength of the control signals", panels, says, 1, flags)


def figure_11(made: Made) -> Section:
    """The first sample of GAN and diffusion, under truth."""
    return _side_by_side(made, "Figure 11", 0)


def figure_12(made: Made) -> Section:
    """The second sample."""
    return _side_by_side(made, "Figure 12", 1)


def figure_13(made: Made) -> Section:
    """The first made frame of clips, by the number of denoising steps."""
    videos = [f"generate/ddpm_{count}" for count in COUNTS]
    clips = _clips(made, made.some(videos))[:3]
    there = [count for count, step in zip(COUNTS, videos, strict=True) if step in made.paths]
    store = Store.open(made.path("clips/small"))
    panels: list[Panel] = []
    sharp: dict[int, list[float]] = {count: [] for count in there}
    true = []
    for clip_id in clips:
        truth = store.frames(clip_id, 1, 2)
        true.append(float(sharpness(truth)[0]))
        row = [truth[0]]
        for count in there:
            frame = next(islice(read_frames(made.path(f"generate/ddpm_{count}") / f"{clip_id}.mp4"), 1, None))
            row.append(frame)
            sharp[count].append(float(sharpness(frame[None])[0]))
        panels.append(Picture(clip_id, np.concatenate(row, axis=1)))
    told = listed([f"{number(float(np.mean(sharp[count])), 0)} with {count}" for count in there])
    says = (
        f"From left to right: truth, and {listed([str(count) for count in there])} steps. Sharpness of these frames: "
        f"{number(float(np.mean(true)), 0)} of truth, {told}. {GENERATED}"
    )
    flags = made.why(videos)
    return _section("Figure 13", "The first made frame, by denoising steps", panels, says, 1, flags)


def _side_by_side(made: Made, of: str, index: int) -> Section:
    steps = made.some(["generate/gan", f"generate/{CHOSEN}"])
    clips = _clips(made, steps)
    if len(clips) <= index:
        raise InputError(f"split {SPLIT} has {len(clips)} clips with videos, and this is of clip {index + 1}")
    clip_id = clips[index]
    store = Store.open(made.path("clips/large" if f"generate/{CHOSEN}" not in made.paths else "clips/small"))
    films = {"truth": store.frames(clip_id)}
    films |= {("GAN" if step == "generate/gan" else "diffusion"): _video(made, step, clip_id) for step in steps}
    length = min(map(len, films.values()))
    sheet = _sheet([frames[:length] for frames in films.values()])
    scores = {"GAN": made.scores("gan_small"), "diffusion": made.scores(CHOSEN)}
    told = [part for name, results in scores.items() if name in films and (part := _told(name, results, clip_id))]
    sizes = "; ".join(f"{name} {frames.shape[1]} pixels" for name, frames in films.items())
    scored = f"At {made.small} pixels: {'; '.join(told)}. " if told else ""
    says = f"From above: {listed(list(films))}, {clip_id} ({sizes}). {scored}{GENERATED}"
    title = f"GAN and diffusion, sample {index + 1}"
    return _section(of, title, [Picture("", sheet)], says, 1, made.why(["generate/gan", f"generate/{CHOSEN}"]))


def _told(name: str, results: Results | None, clip_id: str) -> str:
    """Sharpness and motion of one clip, over truth's."""
    clip = next((c for c in results.clips if c.clip_id == clip_id), None) if results is not None else None
    if clip is None:
        return ""
    shares = {
        title: clip.values[metric] / clip.truth[metric]
        for metric, title in (("sharpness", "sharpness"), ("ofm", "flow"))
        if clip.values.get(metric) is not None and clip.truth.get(metric)
    }
    said = listed([f"{number(100 * share, 0)} % of truth's {title}" for title, share in shares.items()])
    return f"{name} has {said}" if said else ""


def _clips(made: Made, steps: Sequence[str]) -> list[str]:
    """Clips that have a video in all these folders, each actor's first before any second.

    Raises `InputError` where there are none.
    """
    found = [{row.clip_id for row in VideoManifest.load(made.path(s)).clips if row.status == "ok"} for s in steps]
    both = set.intersection(*found)
    common = [row.clip_id for row in by_turns(made.store.clips(SPLIT)) if row.clip_id in both]
    if not common:
        raise InputError(f"{listed(list(steps))}: no clip has a video in each")
    return common


def _video(made: Made, step: str, clip_id: str) -> UInt8:
    return np.stack(list(read_frames(made.path(step) / f"{clip_id}.mp4")))


def _mouth_moves(frames: UInt8, boxes: np.ndarray) -> np.ndarray:
    """Mean absolute difference of neighbouring frames in the mouth box, on 0-255, `[T-2]`: from frame 1 on."""
    change = np.abs(np.diff(frames[1:].astype(np.float32), axis=0)).mean(axis=-1)
    return np.array([c[box].mean() if box.any() else 0.0 for c, box in zip(change, boxes[2:], strict=True)])


def _sheet(films: Sequence[UInt8]) -> UInt8:
    """Frames of films of one length below one another, from frame 1 evenly to the last, at the size of the largest."""
    side = max(frames.shape[1] for frames in films)
    times = np.unique(np.linspace(1, len(films[0]) - 1, COLUMNS).round().astype(int))
    rows = []
    for frames in films:
        times_larger = side // frames.shape[1]
        row = np.concatenate(list(frames[times]), axis=1)
        rows.append(row.repeat(times_larger, axis=0).repeat(times_larger, axis=1))
    return np.concatenate(rows, axis=0)


def _section(
    of: str, title: str, panels: Sequence[Panel], says: str, across: int, flags: Sequence[str] = ()
) -> Section:
    drawing = Drawing(of.lower().replace(" ", "_"), title, f"{title}.", panels, across)
    return Section(of, title, says, published().figures[of.rpartition(" ")[2]], drawing, flags=flags)

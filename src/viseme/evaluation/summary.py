"""From clips to the table: each metric's interval, the counts, and the cautions that belong beside the numbers."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from viseme.evaluation.bootstrap import ENOUGH_ACTORS, interval
from viseme.evaluation.metrics import METRICS
from viseme.evaluation.results import ClipResult, MetricResult
from viseme.evaluation.truth import UNKNOWN


def summarise(clips: Sequence[ClipResult], metrics: Sequence[str], seed: int) -> dict[str, MetricResult]:
    """Each metric over the clips that have it; one that no clip has is left out.

    The resampling of a metric depends on the seed and its name alone, not on which others were asked for.
    """
    table: dict[str, MetricResult] = {}
    for name in metrics:
        having = [clip for clip in clips if name in clip.values]
        if not having:
            continue
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        found = interval([clip.values[name] for clip in having], [clip.actor for clip in having], rng)
        true = [clip.truth[name] for clip in having if name in clip.truth]
        metric = METRICS[name]
        table[name] = MetricResult(
            title=metric.title,
            unit=metric.unit,
            better=metric.better,
            digits=metric.digits,
            mean=found.mean,
            low=found.low,
            high=found.high,
            n=found.n,
            truth=float(np.mean(true)) if true else None,
            by_actor=found.by_actor,
        )
    return table


def counts(clips: Sequence[ClipResult]) -> dict[str, Any]:
    """How many clips there are, were scored, failed; frames scored, and how many show no face if one was sought."""
    scored = [clip for clip in clips if clip.status == "scored"]
    undetected: dict[str, int] = {}
    for clip in scored:
        for side, count in clip.undetected.items():
            undetected[side] = undetected.get(side, 0) + count
    return {
        "clips": len(clips),
        "scored": len(scored),
        "failed": len(clips) - len(scored),
        "frames": sum(clip.frames for clip in scored),
        "undetected": undetected,
    }


def cautions(clips: Sequence[ClipResult], metrics: Sequence[str]) -> list[str]:
    """One line for each thing that a reader must know beside the table."""
    scored = [clip for clip in clips if clip.status == "scored"]
    number = counts(clips)
    lines = []
    if number["failed"]:
        lines.append(f"{number['failed']} of {many(len(clips), 'clip')} failed and count in no mean.")
    if scored:
        lines += _on_actors(Counter(clip.actor for clip in scored))
    for side, count in number["undetected"].items():
        if count:
            lines.append(
                f"In {count} of {number['frames']} frames of the {side} no face was detected; "
                "landmarks there rest on the aligned box."
            )
    for name in metrics:
        reasons = Counter(clip.missing[name] for clip in scored if name in clip.missing)
        for reason, count in reasons.items():
            lines.append(f"{METRICS[name].title} is missing for {many(count, 'clip')}: {reason}.")
    return lines


def _on_actors(clips_of: Counter[str]) -> list[str]:
    actors = sorted(clips_of)
    if len(actors) >= ENOUGH_ACTORS:
        return []
    if actors == [UNKNOWN]:
        return ["Nothing is claimed beyond the people in these videos."]
    named = actors[0] if len(actors) == 1 else f"{', '.join(actors[:-1])} and {actors[-1]}"
    few = many(len(actors), "actor")
    lines = [f"With {few}, intervals resample clips within each; nothing is claimed beyond {named}."]
    if lonely := [actor for actor in actors if clips_of[actor] == 1]:
        lines.append(f"Intervals are too narrow: {', '.join(lonely)} has a single clip, which cannot vary.")
    return lines


def many(count: int, thing: str) -> str:
    """`1 clip`, `2 clips`."""
    return f"{count} {thing}" + ("" if count == 1 else "s")

"""Where the means come from: one metric by actor, by emotion and by clip, a row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from viseme.evaluation.results import ClipResult, MetricResult
from viseme.report.summary import lead_metric
from viseme.report.systems import Group, System
from viseme.report.tables import ARROWS
from viseme.report.wording import natural, number


@dataclass(frozen=True, slots=True)
class Part:
    """One row: some of the clips, how many they are (or one clip's frames), and each system's number.

    Attributes:
        numbers: one a system, empty where it has none.
        holes: why, beside each empty number; empty where there is nothing to say.
    """

    part: str
    count: int
    numbers: tuple[str, ...]
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartTable:
    """One metric for each part of the clips (rows) and system (columns)."""

    metric: str
    title: str
    unit: str
    arrow: str
    meaning: str
    rows: tuple[Part, ...]


def actor_tables(group: Group) -> list[PartTable]:
    """Means by actor, a table a metric, the one that leads the summary first."""
    return _tables(group, lambda clip: clip.actor)


def emotion_tables(group: Group) -> list[PartTable]:
    """Means by emotion, as `actor_tables`; none where the corpus names fewer than two."""
    named = {clip.emotion for system in group.systems for clip in system.scored.values()} - {""}
    return _tables(group, lambda clip: clip.emotion or "not named") if len(named) > 1 else []


def clip_table(group: Group) -> PartTable | None:
    """The metric that leads the summary, clip by clip; None where no system has it."""
    metric = lead_metric(group)
    if metric not in group.metrics:
        return None
    clips = [{clip.clip_id: clip for clip in system.results.clips} for system in group.systems]
    rows = []
    for key in sorted({key for own in clips for key in own}, key=natural):
        found = [own.get(key) for own in clips]
        numbers = tuple(
            number(clip.values[metric], system.results.metrics[metric].digits) if clip and metric in clip.values else ""
            for system, clip in zip(group.systems, found, strict=True)
        )
        frames = max(clip.frames for clip in found if clip)
        rows.append(Part(key, frames, numbers, tuple(_hole(clip, metric) for clip in found)))
    return _table(group, metric, tuple(rows))


def _hole(clip: ClipResult | None, metric: str) -> str:
    """Why a clip has no number."""
    if clip is None:
        return "not among its clips"
    return f"failed: {clip.reason}" if clip.status == "failed" else clip.missing.get(metric, "")


def _tables(group: Group, part: Callable[[ClipResult], str]) -> list[PartTable]:
    clips = [clip for system in group.systems for clip in system.scored.values()]
    parts = sorted({part(clip) for clip in clips}, key=natural)
    counts = {name: len({clip.clip_id for clip in clips if part(clip) == name}) for name in parts}
    lead = lead_metric(group)
    tables = []
    for metric in sorted(group.metrics, key=lambda metric: metric != lead):
        means = [_means(system, metric, part) for system in group.systems]
        rows = tuple(Part(name, counts[name], tuple(own.get(name, "") for own in means)) for name in parts)
        tables.append(_table(group, metric, rows))
    return tables


def _means(system: System, metric: str, part: Callable[[ClipResult], str]) -> dict[str, str]:
    """Part -> the mean over its clips that have the metric, as text."""
    known = system.results.metrics.get(metric)
    if known is None:
        return {}
    values: dict[str, list[float]] = {}
    for clip in system.scored.values():
        if metric in clip.values:
            values.setdefault(part(clip), []).append(clip.values[metric])
    return {name: number(sum(own) / len(own), known.digits) for name, own in values.items()}


def _table(group: Group, metric: str, rows: tuple[Part, ...]) -> PartTable:
    known: MetricResult = next(s.results.metrics[metric] for s in group.systems if metric in s.results.metrics)
    return PartTable(metric, known.title, known.unit, *ARROWS[known.better], rows)

"""The clips that a report shows: the worst, the median and the best of the first system, every system side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from viseme.evaluation.results import ClipResult
from viseme.report.media import Album, Media
from viseme.report.summary import lead_metric
from viseme.report.systems import Group, System
from viseme.report.wording import number
from viseme.types import FPS

Film = Callable[[str, int], Path]
"""(clip_id, pixels) -> a video of truth, handed in by who can read it."""

TRUTH_SIZE = 128
"""Pixels of truth's video where no system says how large its frames are."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth itself as a player: no system, and no control."""

    name: str = "truth"
    colour: str = "truth"
    control: str = ""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The mouth opening under a player: SVG points of the system and of truth in a box of 100 x 100."""

    own: str
    truth: str


@dataclass(frozen=True, slots=True)
class Tile:
    """The video of one clip of one system, or of truth."""

    system: System | Truth
    value: str
    video: Media
    spark: Sparkline | None


@dataclass(frozen=True, slots=True)
class Strip:
    """Some of a clip's frames above truth's; truth's half is shown once, below the last system.

    Attributes:
        truth: whether that is here.
        columns: frames side by side.
    """

    system: System
    picture: Media
    truth: bool

    @property
    def columns(self) -> int:
        return max(1, round(2 * self.picture.width / self.picture.height)) if self.picture.height else 1


@dataclass(frozen=True, slots=True)
class Shown:
    """One clip of the report.

    Attributes:
        rank: `Worst`, `Median`, `Best`, or `Only`.
        seconds: length, frame 0 included.
        known: what it was chosen by, in words.
        widest: the frame at which truth's mouth is widest open, where the players stand before they are played.
    """

    rank: str
    clip_id: str
    actor: str
    seconds: str
    known: str
    widest: int
    tiles: tuple[Tile, ...]
    strips: tuple[Strip, ...]


def chosen(group: Group) -> list[tuple[str, str]]:
    """(rank, clip_id) of the worst, median and best clip of the first system by the metric that leads the summary.

    Clips that every system under test has scored are preferred; there are fewer than three where it has fewer.
    """
    metric = lead_metric(group)
    own = group.first.scored
    common = [key for key in own if all(key in system.scored for system in group.tested)] or list(own)
    valued = [key for key in common if metric in own[key].values]
    known = group.first.results.metrics.get(metric)
    sign = -1 if known and known.better in ("lower", "zero") else 1
    ranked = sorted(valued, key=lambda key: (sign * own[key].values[metric], key)) or sorted(common)
    if not ranked:
        return []
    if len(ranked) == 1:
        return [("Only", ranked[0])]
    ends = [("Worst", ranked[0]), ("Best", ranked[-1])]
    return ends if len(ranked) == 2 else [ends[0], ("Median", ranked[(len(ranked) - 1) // 2]), ends[1]]


def shown(groups: Sequence[Group], album: Album, film: Film | None = None) -> list[Shown]:
    """The chosen clips of the first group with the videos and strips of every system of the page, truth first.

    With `film`, truth is among the players also where no system shows it.
    """
    first = groups[0]
    metric = lead_metric(first)
    systems = sorted((s for group in groups for s in group.systems), key=lambda s: (not s.is_truth, bool(s.control)))
    picked = chosen(first)
    filmed = {} if film is None or systems[0].is_truth else _filmed(picked, first.size, album, film)
    videos = {(key, s.name): _video(s, key, album) for _, key in picked for s in systems}
    rows = []
    for rank, key in picked:
        clip = first.first.scored[key]
        scored = [c for s in systems if (c := s.scored.get(key))]
        top = max(max(c.curves.get(curve) or [0.0]) for c in scored for curve in _OPENING)
        sparks = {s.name: _spark(s, key, top) for s in systems}
        tiles = [Tile(s, _value(s, key, metric), videos[key, s.name], sparks[s.name]) for s in systems]
        if key in filmed:
            truth = next((spark.truth for spark in sparks.values() if spark), "")
            tiles.insert(0, Tile(Truth(), "", filmed[key], Sparkline(truth, truth) if truth else None))
        pictures = [
            (s, album.picture(s.file(c.strip) if c.strip else None))
            for s in systems
            if (c := s.scored.get(key)) and (not s.control or not first.tested)
        ]
        last = next((s for s, picture in reversed(pictures) if picture.uri), None)
        strips = tuple(Strip(s, picture, s is last) for s, picture in pictures)
        known = _value(first.first, key, metric)
        rows.append(
            Shown(rank, key, clip.actor, number((clip.frames + 1) / FPS, 1), known, _widest(clip), tuple(tiles), strips)
        )
    return rows


_OPENING = ("opening", "opening_truth")


def _filmed(picked: Sequence[tuple[str, str]], size: int | None, album: Album, film: Film) -> dict[str, Media]:
    """Truth's videos, taken before those of the systems: a page may become too heavy for the last."""
    return {key: album.video(film(key, size or TRUTH_SIZE)) for _, key in picked}


def _widest(clip: ClipResult) -> int:
    """Curves begin at frame 1; the middle frame where there are none."""
    opening = clip.curves.get("opening_truth")
    return 1 + opening.index(max(opening)) if opening else clip.frames // 2


def _clip(system: System, clip_id: str) -> ClipResult | None:
    return next((clip for clip in system.results.clips if clip.clip_id == clip_id), None)


def _video(system: System, clip_id: str, album: Album) -> Media:
    clip = _clip(system, clip_id)
    if clip is None:
        return Media(reason="This clip is not among its results.")
    if clip.status == "failed":
        return Media(reason=f"Failed: {clip.reason}")
    return album.video(system.file(clip.video) if clip.video else None)


def _value(system: System, clip_id: str, metric: str) -> str:
    clip = system.scored.get(clip_id)
    known = system.results.metrics.get(metric)
    return number(clip.values[metric], known.digits) if clip and known and metric in clip.values else ""


def _spark(system: System, clip_id: str, top: float) -> Sparkline | None:
    clip = system.scored.get(clip_id)
    if clip is None or not top or not all(clip.curves.get(key) for key in _OPENING):
        return None
    own, truth = (_points(clip.curves[key], clip.frames + 1, top) for key in _OPENING)
    return Sparkline(own, truth)


def _points(values: Sequence[float], frames: int, top: float) -> str:
    """SVG points of a curve whose first value is of frame 1, so that the playhead of a video of `frames` meets it."""
    return " ".join(f"{100 * (i + 1.5) / frames:.2f},{100 - 94 * max(v, 0.0) / top:.1f}" for i, v in enumerate(values))

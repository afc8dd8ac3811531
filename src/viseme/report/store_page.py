"""A store as one page without outside resources: what it holds, frames, how its measures spread, and every reject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from viseme import __version__
from viseme.report.histogram import Histogram, histogram
from viseme.report.html import environment, part
from viseme.report.media import Album, Media
from viseme.report.wording import capitalised, counted, natural, number
from viseme.types import FPS

if TYPE_CHECKING:
    from viseme.data.look import Look
    from viseme.data.pictures import Picture
    from viseme.data.survey import Distribution, Group

FEW = 12
"""Rows past which a table or a list is folded."""
MOST = 500
"""Rows past which a table is cut."""

MEANINGS = {
    "length": "Seconds of picture.",
    "found": "Share of frames in which the face was found.",
    "faces": "Most faces seen in one frame.",
    "face_width": "Median distance of the jaw’s ends in pixels of the source.",
    "jitter": "Noise of the landmarks in the source.",
    "sharpness": "Variance of the Laplacian in the face at 128 pixels; noise counts as detail.",
    "loudness": "Root mean square of the sound; a sine of full scale has −3.",
    "clipping": "Share of the sound’s samples at full scale.",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; `folded` is the summary behind which they stand, `beyond` how many were cut."""

    title: str
    said: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, Sequence[str]]]
    folded: str = ""
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Frames of one clip, each with the path of its landmarks."""

    name: str
    said: str
    shots: Sequence[tuple[Media, str]]


@dataclass(frozen=True, slots=True)
class MeasureView:
    """A distribution as it is shown."""

    title: str
    unit: str
    meaning: str
    histogram: Histogram | None
    said: str
    rejected: str
    worst: str
    value: str
    media: Media
    points: str


@dataclass(frozen=True, slots=True)
class RejectView:
    """A rejected clip; `reason` is empty where the group says it."""

    name: str
    source: str
    reason: str
    media: Media


@dataclass(frozen=True, slots=True)
class GroupView:
    """Rejects of one reason: those that are shown, and those that are named."""

    reason: str
    count: int
    shots: Sequence[RejectView]
    others: Sequence[RejectView]


def render_store(
    title: str, facts: Mapping[str, str], warnings: Sequence[str], look: Look, album: Album, source: bool
) -> str:
    """The whole page as HTML.

    Args:
        title: the store's name.
        facts: what stands at the head, as text.
        warnings: what somebody about to train should know, one line each.
        look: what is shown.
        album: sets pictures into the page until it would become too heavy.
        source: whether the folder the store was prepared from was given.
    """
    measures = [_measure(one, look.worst[one.worst], album) for one in look.distributions]
    strips = [
        Row(
            strip.clip.clip_id,
            f"{strip.clip.actor}, {strip.clip.split}, {strip.clip.frames / FPS:.1f} s, face in {strip.clip.found:.0%}",
            [_shown(one, strip.clip.clip_id, album) for one in strip.pictures],
        )
        for strip in look.strips
    ]
    return (
        environment()
        .get_template("store.html.j2")
        .render(
            title=title,
            version=__version__,
            style=Markup(part("style.css")),
            facts=facts,
            warnings=warnings,
            tables=[*_tables(look)],
            accepted=look.summary.accepted,
            measures=measures,
            strips=strips,
            groups=[_group(group, look, album) for group in look.rejects],
            rejects_said=_rejects_said(look, source),
            few=FEW,
        )
    )


def _tables(look: Look) -> Iterable[Table]:
    summary = look.summary
    splits = [one.split for one in summary.splits]
    yield Table(
        "By split",
        "" if splits else "No clip was accepted.",
        ("Split", "Actors", "Clips", "Minutes"),
        [
            (one.split, (number(len(one.actors), 0), number(one.clips, 0), _minutes(one.frames)))
            for one in summary.splits
        ],
    )
    actors = sorted(summary.actors, key=lambda one: natural(one.actor))
    if len(actors) == summary.accepted + len(summary.rejected) > 1:
        yield Table("By actor", "Every clip has an actor of its own: who speaks is not known.", (), ())
    else:
        rows = [
            (
                one.actor,
                (*_cells(one.clips, splits), _minutes(one.frames), number(one.rejected, 0), f"{one.found:.1%}"),
            )
            for one in actors
        ]
        clips = [sum(one.clips.values()) for one in actors]
        columns = ("Actor", *splits, "Minutes", "Rejected", "Face found")
        yield _table("By actor", "actor", columns, rows, clips)
    for title, thing, found in (("By emotion", "emotion", look.emotions), ("By sentence", "sentence", look.sentences)):
        if not found:
            yield Table(title, f"No {thing} is known.", (), ())
            continue
        rows = [(one.value or "not known", (*_cells(one.clips, splits), _minutes(one.frames))) for one in found]
        yield _table(
            title, thing, (thing.capitalize(), *splits, "Minutes"), rows, [sum(one.clips.values()) for one in found]
        )


def _table(
    title: str, thing: str, columns: tuple[str, ...], rows: Sequence[tuple[str, Sequence[str]]], clips: Sequence[int]
) -> Table:
    low, high = min(clips, default=0), max(clips, default=0)
    each = (
        f"{counted(low, 'clip')} each" if low == high else f"{low} to {counted(high, 'clip')}, median {median(clips):g}"
    )
    named = counted(len(rows), thing)
    folded = named if len(rows) > FEW else ""
    return Table(title, f"{named}, {each}.", columns, rows[:MOST], folded, max(0, len(rows) - MOST))


def _cells(clips: Mapping[str, int], splits: Sequence[str]) -> tuple[str, ...]:
    return tuple(number(clips[split], 0) if split in clips else "" for split in splits)


def _minutes(frames: int) -> str:
    return number(frames / FPS / 60, 2)


def _measure(one: Distribution, picture: Picture, album: Album) -> MeasureView:
    drawn = histogram(one.values, one.digits, one.least, one.most)
    unit = "" if one.unit == "" else f" {one.unit.split()[0]}"
    clips = counted(len(one.values), "clip")
    middle = f"median {number(float(median(one.values.tolist())), one.digits)}{unit}"
    media, points = _shown(picture, one.worst, album) if drawn else (Media(), "")
    return MeasureView(
        title=one.measure,
        unit=one.unit,
        meaning=MEANINGS.get(one.measure, ""),
        histogram=drawn,
        said=f"{clips}, {middle}." if drawn else f"All {clips}: {number(one.value, one.digits)}{unit}.",
        rejected=_rejected(one, unit),
        worst=one.worst,
        value=f"{number(one.value, one.digits)}{unit}",
        media=media,
        points=points,
    )


def _rejected(one: Distribution, unit: str) -> str:
    """What the limits are, in words."""
    said = [
        f"{word} {limit:g}{unit}".replace("-", "\N{MINUS SIGN}")
        for word, limit in (("under", one.least), ("over", one.most))
        if limit is not None
    ]
    return f"Rejected {' and '.join(said)}." if said else "Never a reason to reject."


def _group(group: Group, look: Look, album: Album) -> GroupView:
    shots: list[RejectView] = []
    others: list[RejectView] = []
    for reject, reason in group.clips:
        picture = look.rejected.get(reject.clip_id)
        media = Media() if picture is None else _shown(picture, reject.clip_id, album)[0]
        view = RejectView(reject.clip_id, reject.source, reason, media)
        (others if picture is None else shots).append(view)
    return GroupView(capitalised(group.reason), len(group.clips), shots, others)


def _rejects_said(look: Look, source: bool) -> str:
    rejected = len(look.summary.rejected)
    if not rejected:
        return "No clip was rejected."
    said = f"{counted(rejected, 'clip')} of {number(rejected + look.summary.accepted, 0)}, by reason. "
    if source:
        return said + "Each picture is the frame at one second of the source, or its last where it is shorter."
    return said + (
        "No pictures: the frames of a rejected clip are not in the store. With --source and the folder that was "
        "prepared they are shown."
    )


def _shown(picture: Picture, name: str, album: Album) -> tuple[Media, str]:
    """A picture in the page, and its landmarks as a path of dots in a box of 100 by 100."""
    if not picture.webp:
        return Media(reason=picture.reason), ""
    points = [] if picture.points is None else picture.points.tolist()
    return album.webp(picture.webp, name), "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in points)

"""The page: everything a reader needs to believe or doubt a comparison, in one file without outside resources."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from viseme import __version__
from viseme.evaluation.bootstrap import ENOUGH_ACTORS
from viseme.report.account import account, alike, apart, cautions, lacking, origin, own, reference, shared_notes
from viseme.report.breakdown import PartTable, actor_tables, clip_table, emotion_tables
from viseme.report.clips import Film, shown
from viseme.report.figures import Figure, openings, over_time
from viseme.report.media import Album
from viseme.report.plain import escaped
from viseme.report.sets import SetRow, set_table
from viseme.report.summary import in_full, lead_metric, summary
from viseme.report.systems import Group, System
from viseme.report.tables import Row, definitions, difference_table, metric_table
from viseme.report.wording import counted, listed, number


@dataclass(frozen=True, slots=True)
class Section:
    """All that is said of the systems of one size."""

    group: Group
    heading: str
    summary: list[list[str]]
    in_full: list[list[str]]
    metrics: list[Row]
    sets: list[SetRow]
    differences: list[Row]
    openings: list[Figure]
    over_time: list[Figure]
    clips: PartTable | None
    actors: list[PartTable]
    emotions: list[PartTable]


def render(groups: Sequence[Group], album: Album, film: Film | None = None) -> str:
    """The whole page as HTML; with `film`, truth plays beside the systems."""
    clips = shown(groups, album, film)
    middle = clips[len(clips) // 2] if clips else None
    sections = [
        Section(
            group=group,
            heading=f"{group.size} × {group.size} pixels" if group.size else "Frames of unstated size",
            summary=summary(group),
            in_full=in_full(group),
            metrics=metric_table(group),
            sets=set_table(group),
            differences=difference_table(group),
            openings=openings(group.systems, middle.clip_id, f"g{index}") if middle else [],
            over_time=over_time(group, f"g{index}"),
            clips=clip_table(group),
            actors=actor_tables(group),
            emotions=emotion_tables(group),
        )
        for index, group in enumerate(groups)
    ]
    systems = [system for group in groups for system in group.systems]
    accounts = [account(system, shared_notes(systems)) for system in systems]
    lead, origins = lead_metric(groups[0]), [origin(system) for system in systems]
    script = part("player.js") + part("sorting.js")
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title(systems),
            version=__version__,
            style=Markup(part("style.css")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            sections=sections,
            scope=scope(groups[0]),
            intervals=intervals(groups[0]),
            cautions=cautions(groups),
            clips=clips,
            middle=middle,
            lead=groups[0].first.results.metrics[lead].title if lead in groups[0].first.results.metrics else "",
            first=groups[0].first,
            truth_plays=film is not None or any(system.is_truth for system in systems),
            lacking=lacking(accounts),
            accounts=[own(found, lacking(accounts)) for found in accounts],
            definitions=definitions(groups),
            reference=reference(groups[0]),
            alike=alike(origins),
            origins=[apart(found, origins) for found in origins],
        )
    )


def title(systems: Sequence[System]) -> str:
    """The systems under test by name."""
    tested = [system.name for system in systems if not system.control] or [system.name for system in systems]
    return f"{tested[0]} against {tested[1]}" if len(tested) == 2 else listed(tested)


def scope(group: Group) -> str:
    """How many clips of whom the numbers stand on."""
    results = group.first.results
    actors = [str(actor) for actor in results.reference.get("actors") or sorted({clip.actor for clip in results.clips})]
    frames = sum(clip.frames for clip in group.first.scored.values())
    who = counted(len(actors), "actor") + (f" ({listed(actors)})" if len(actors) <= 6 else "")
    split, store = results.reference.get("split", "?"), results.reference.get("store", "?")
    return f"{counted(len(results.clips), 'clip')} of {who}, {number(frames, 0)} frames, split {split} of {store}"


def intervals(group: Group) -> str:
    """What the intervals of the page were taken over."""
    over = {clip.actor for clip in group.first.scored.values()}
    if len(over) >= ENOUGH_ACTORS:
        return "95 %, by bootstrap over actors"
    return "95 %, by bootstrap over the clips of each actor: they speak of these actors only"


def coded(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def part(name: str) -> str:
    """A file of the page's templates as text."""
    return resources.files("viseme.report").joinpath("templates", name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Jinja with escaping always on: names of systems, clips and reasons come from outside."""
    environment = Environment(
        loader=PackageLoader("viseme.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup
    environment.filters["counted"] = counted
    environment.filters["coded"] = coded
    environment.filters["plain"] = lambda text: Markup(escaped(str(text)))
    return environment

"""A run as one page without outside resources: how it stands, its early warnings, its curves and what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from viseme import __version__
from viseme.report.figures import Figure, Line, draw
from viseme.report.html import environment, part
from viseme.report.media import Album

COLOURS = {"train": "system0", "val": "system1", "rollout": "system2"}


def render_run(
    title: str,
    facts: Mapping[str, str],
    warnings: Sequence[str],
    panels: Mapping[str, Sequence[Line]],
    pictures: Sequence[Path],
    videos: Sequence[Path],
    album: Album,
) -> str:
    """The whole page as HTML.

    Args:
        title: the run's name.
        facts: what stands at the head, as text.
        warnings: early warnings, one line each.
        panels: a scalar's name -> its curves over steps, of colours of `COLOURS`.
        pictures, videos: sample sheets (PNG) and rollouts (MP4), newest first.
        album: sets them into the page until it would become too heavy.
    """
    figures = [
        Figure(name, f"{name} by step: {', '.join(line.name for line in lines)}.", _drawn(index, lines))
        for index, (name, lines) in enumerate(panels.items())
    ]
    names = {line.name: line.colour for lines in panels.values() for line in lines}
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            title=title,
            version=__version__,
            style=Markup(part("style.css")),
            facts=facts,
            warnings=warnings,
            figures=figures,
            names=names,
            videos=[(path.stem, album.video(path)) for path in videos[:1]],
            pictures=[(path.stem, album.picture(path)) for path in pictures],
        )
    )


def _drawn(index: int, lines: Sequence[Line]) -> str:
    return draw(lines, "", f"curve{index}", below="step")

"""Curves over time as SVG to be set into the page: drawn by matplotlib, coloured by the page's own CSS variables.

Every drawing is the same to the byte for the same numbers, and no identifier occurs twice in a page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viseme.report.systems import Group, System

WIDTH, HEIGHT = 5.0, 2.5
"""Inches of 72 points; a point is about a CSS pixel where the page shows two drawings side by side."""

COLOURS = ("truth", "muted", "rule", *(f"system{i}" for i in range(6)), *(f"control{i}" for i in range(4)), "page")
"""Names of CSS variables; matplotlib draws in colours that stand for them."""

DASHES = {"control0": (4, 2), "control1": (1, 1.6), "control2": (6, 2, 1, 2), "control3": (2, 3)}


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: its name, the CSS variable of its colour, and frames and values `[N]`."""

    name: str
    colour: str
    frames: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing, its heading, and what a reader who cannot see it is told."""

    title: str
    alt: str
    svg: str


CURVES = (
    ("brightness", "Brightness", "mean luma, 0\N{EN DASH}255"),
    ("sharpness", "Sharpness", "variance of the Laplacian"),
    ("identity", "Likeness to the identity frame", "CSIM"),
    ("opening", "Mouth opening", "of the eye-corner distance"),
)
"""Curves averaged over clips: key in the results, heading, and axis."""


def over_time(group: Group, prefix: str) -> list[Figure]:
    """Mean over clips of each curve by frame, one drawing a curve, all systems and truth in it."""
    figures = []
    for key, title, axis in CURVES:
        lines = [line for system in group.systems if not system.is_truth for line in mean_line(system, key, key)]
        richest = max(group.systems, key=lambda system: len(system.scored))
        truth = [Line("truth", "truth", line.frames, line.values) for line in mean_line(richest, key, f"{key}_truth")]
        if lines:
            names = ", ".join(line.name for line in [*truth, *lines])
            alt = f"{title} by frame, mean over clips: {names}."
            figures.append(Figure(title, alt, draw([*truth, *lines], axis, f"{prefix}-{key}")))
    return figures


def openings(systems: Sequence[System], clip_id: str, prefix: str) -> list[Figure]:
    """The mouth opening of one clip against truth's, one drawing a system that hears something, all on one scale."""
    pairs = []
    for system in systems:
        clip = system.scored.get(clip_id)
        if clip is None or (system.control and not system.shuffled):
            continue
        own, truth = clip.curves.get("opening"), clip.curves.get("opening_truth")
        if own and truth:
            pairs.append((system, [_line("truth", "truth", truth), _line(system.name, system.colour, own)]))
    if not pairs:
        return []
    top = 1.05 * max(line.values.max() for _, lines in pairs for line in lines)
    return [
        Figure(
            system.name,
            f"Mouth opening of {clip_id} by frame: {system.name} and truth.",
            draw(lines, "mouth opening", f"{prefix}-opening{index}", top=float(top)),
        )
        for index, (system, lines) in enumerate(pairs)
    ]


def mean_line(system: System, key: str, curve: str) -> list[Line]:
    """The mean over a system's clips by frame, for as many frames as half of the clips have; none where none has it."""
    curves = [clip.curves[curve] for clip in system.scored.values() if clip.curves.get(curve)]
    if not curves:
        return []
    longest = sorted(len(curve) for curve in curves)[len(curves) // 2]
    padded = np.full((len(curves), longest), np.nan)
    for row, values in zip(padded, curves, strict=True):
        row[: min(len(values), longest)] = values[:longest]
    return [_line(system.name, system.colour, np.nanmean(padded, axis=0), every=5 if key == "identity" else 1)]


def _line(name: str, colour: str, values: Sequence[float] | NDArray[np.float64], every: int = 1) -> Line:
    """A curve whose first value is of frame 1."""
    data = np.asarray(values, dtype=np.float64)
    return Line(name, colour, 1.0 + every * np.arange(len(data), dtype=np.float64), data)


def draw(lines: Sequence[Line], axis: str, prefix: str, top: float | None = None, below: str = "frame") -> str:
    """The curves as SVG markup without prolog or size; `prefix` sets its identifiers apart from other drawings'.

    With `top` the vertical axis goes from 0 to it, so that drawings side by side can be compared. `below` names the
    horizontal axis. A curve of one point is a dot.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    text = stands_for("muted")
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": prefix,
        "font.size": 10,
        "text.color": text,
        "xtick.labelcolor": text,
        "ytick.labelcolor": text,
        "axes.titlecolor": text,
        "axes.unicode_minus": True,
    }
    with matplotlib.rc_context(settings):
        canvas = Canvas(figsize=(WIDTH, HEIGHT), layout="constrained")
        FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        for line in lines:
            width = 1.3 if line.colour == "truth" or line.colour in DASHES else 1.9
            dot = "o" if len(line.values) == 1 else ""
            colour = stands_for(line.colour)
            (drawn,) = axes.plot(line.frames, line.values, color=colour, linewidth=width, marker=dot, markersize=4)
            if line.colour in DASHES:
                drawn.set_dashes(DASHES[line.colour])
        axes.set_title(axis, loc="left", fontsize=10)
        axes.set_xlabel(below, loc="right", color=text, labelpad=1)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(stands_for("rule"))
        axes.grid(axis="y", color=stands_for("rule"), linewidth=0.8)
        axes.tick_params(length=0)
        axes.locator_params(axis="y", nbins=4)
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.margins(x=0.01)
        if top is not None:
            axes.set_ylim(0, top)
        file = io.StringIO()
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return for_page(file.getvalue(), prefix)


def stands_for(colour: str) -> str:
    """A colour that occurs nowhere else, to be found again in the drawing."""
    return f"#fe01{COLOURS.index(colour):02x}"


def for_page(svg: str, prefix: str) -> str:
    """A drawing as the page can hold it: no prolog, size, style sheet or metadata, own identifiers, CSS colours.

    Its width in points is the CSS variable `--width`, by which the page knows how far it may be enlarged.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'<svg [^>]*viewBox="(\S+ \S+ (\S+) [^"]+)"[^>]*>',
        r'<svg viewBox="\1" style="--width: \2px" aria-hidden="true" focusable="false">',
        svg,
    )
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-").replace('xlink:href="#', f'href="#{prefix}-')
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    for colour in COLOURS:
        svg = svg.replace(stands_for(colour), f"var(--{colour})")
    return re.sub(r">\s+<", "><", svg).strip()

"""Panels of a drawing: curves, dots with their intervals, a table in shades, pixels as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from viseme.types import UInt8

WIDTH, HEIGHT = 3.4, 2.3
"""Inches of one panel; 72 points each."""
LETTER = 0.07
"""Inches of a letter beside a row."""
LINE = 9.0
"""Points between two names, one above the other."""

Colour = Callable[[str], str]
"""The name of a CSS variable gives a colour."""


class Panel(Protocol):
    """One drawing among others; it needs so many inches."""

    @property
    def width(self) -> float: ...

    @property
    def height(self) -> float: ...

    def paint(self, axes: Any, colour: Colour) -> None:
        """Draw on matplotlib's axes."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Values `[N]` over places `[N]`, with the CSS variable of its colour and, where known, its range at each place."""

    name: str
    colour: str
    places: Sequence[float] | NDArray[np.float64]
    values: Sequence[float] | NDArray[np.float64]
    spread: Sequence[float] | NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves on common axes.

    Attributes:
        bottom, top: of the vertical axis; as the curves need where None.
        powers: whether the horizontal axis counts in factors.
        named: whether each curve's name stands at its last value.
        keyed: whether a key of the curves stands within, for curves that end close together.
    """

    title: str
    curves: Sequence[Curve]
    below: str = "frame"
    bottom: float | None = None
    top: float | None = None
    powers: bool = False
    named: bool = False
    keyed: bool = False

    @property
    def width(self) -> float:
        return WIDTH

    @property
    def height(self) -> float:
        return HEIGHT

    def paint(self, axes: Any, colour: Colour) -> None:
        for curve in self.curves:
            thin = curve.colour in ("truth", "muted")
            mark = "o" if len(curve.values) < 8 else ""
            axes.plot(
                curve.places,
                curve.values,
                color=colour(curve.colour),
                linewidth=1.1 if thin else 1.8,
                linestyle=(0, (4, 2)) if thin else "-",
                marker=mark,
                markersize=3.5,
                label=curve.name,
            )
            if curve.spread is not None:
                values, spread = np.asarray(curve.values), np.asarray(curve.spread)
                axes.fill_between(
                    curve.places, values - spread, values + spread, color=colour(curve.colour), alpha=0.15, linewidth=0
                )
        if self.keyed:
            axes.legend(frameon=False, fontsize=8, labelcolor=colour("muted"))
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.set_xlabel(self.below, loc="right", labelpad=1)
        axes.grid(axis="y", color=colour("rule"), linewidth=0.8)
        if self.powers:
            axes.set_xscale("log")
            places = sorted({float(place) for curve in self.curves for place in curve.places})
            axes.set_xticks(places, [f"{place:g}" for place in places])
            axes.minorticks_off()
        else:
            axes.locator_params(axis="x", nbins=5, integer=True)
        axes.locator_params(axis="y", nbins=4)
        axes.set_ylim(self.bottom, self.top)
        if self.named:
            self._name(axes, colour)

    def _name(self, axes: Any, colour: Colour) -> None:
        """Each curve's name beside its last value, names of near ones pushed apart."""
        bottom, top = axes.get_ylim()
        inches = axes.get_position().height * axes.get_figure().get_size_inches()[1]
        scale = 72 * inches / (top - bottom)  # points a unit
        low = -np.inf
        ended = [curve for curve in self.curves if len(curve.values) and np.isfinite(curve.values[-1])]
        for curve in sorted(ended, key=lambda curve: float(curve.values[-1])):
            at = float(curve.values[-1]) * scale
            low = max(at, low + LINE)
            axes.annotate(
                curve.name,
                (curve.places[-1], curve.values[-1]),
                xytext=(4, low - at),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=colour(curve.colour),
            )


@dataclass(frozen=True, slots=True)
class Dot:
    """A mean with its interval."""

    name: str
    value: float
    low: float
    high: float
    colour: str = "system0"


@dataclass(frozen=True, slots=True)
class Dots:
    """Means below one another; `target` is the best value, drawn as a line."""

    title: str
    dots: Sequence[Dot]
    target: float | None = None

    @property
    def width(self) -> float:
        return WIDTH - 1 + LETTER * max((len(dot.name) for dot in self.dots), default=0)

    @property
    def height(self) -> float:
        return max(HEIGHT / 2, 0.6 + 0.2 * len(self.dots))

    def paint(self, axes: Any, colour: Colour) -> None:
        for row, dot in enumerate(self.dots):
            shade = colour(dot.colour)
            axes.plot([dot.low, dot.high], [row, row], color=shade, linewidth=1.4)
            axes.plot([dot.value], [row], color=shade, marker="o", markersize=5, linestyle="")
        if self.target is not None:
            axes.axvline(self.target, color=colour("muted"), linewidth=1, linestyle=(0, (2, 2)))
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.set_yticks(range(len(self.dots)), [dot.name for dot in self.dots])
        axes.set_ylim(len(self.dots) - 0.5, -0.5)
        axes.grid(axis="x", color=colour("rule"), linewidth=0.8)
        axes.locator_params(axis="x", nbins=5)


@dataclass(frozen=True, slots=True)
class Heat:
    """A table of numbers `[R,C]`, NaN where there is none, the darker the greater."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: NDArray[np.float64]
    digits: int
    below: str = ""

    @property
    def width(self) -> float:
        return 1 + LETTER * max((len(row) for row in self.rows), default=0) + 0.75 * len(self.columns)

    @property
    def height(self) -> float:
        return max(HEIGHT / 2, 0.7 + 0.26 * len(self.rows))

    def paint(self, axes: Any, colour: Colour) -> None:
        from matplotlib.patches import Rectangle

        known = self.values[np.isfinite(self.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        for (row, column), value in np.ndenumerate(self.values):
            if not math.isfinite(value):
                continue
            share = (value - low) / (high - low) if high > low else 0.0
            place = (column - 0.48, row - 0.46)
            axes.add_patch(
                Rectangle(place, 0.96, 0.92, facecolor=colour("system0"), alpha=0.06 + 0.5 * share, linewidth=0)
            )
            text = f"{value:.{self.digits}f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour("truth"))
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.set_xticks(range(len(self.columns)), self.columns)
        axes.set_yticks(range(len(self.rows)), self.rows)
        axes.set_xlim(-0.5, len(self.columns) - 0.5)
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        axes.set_xlabel(self.below, loc="right", labelpad=1)
        axes.spines["bottom"].set_visible(False)


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels as they are, uint8 `[H,W,3]`."""

    title: str
    pixels: UInt8

    @property
    def width(self) -> float:
        return 2 * WIDTH

    @property
    def height(self) -> float:
        rows, columns = self.pixels.shape[:2]
        return float(0.3 + self.width * rows / columns)

    def paint(self, axes: Any, colour: Colour) -> None:
        axes.imshow(self.pixels, interpolation="nearest")
        axes.set_title(self.title, loc="left", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)


@dataclass(frozen=True, slots=True)
class Pointed(Picture):
    """The same, half as wide, with points `[N,2]` on it, in its pixels."""

    points: NDArray[np.float32]

    @property
    def width(self) -> float:
        return WIDTH

    def paint(self, axes: Any, colour: Colour) -> None:
        Picture.paint(self, axes, colour)
        axes.plot(*self.points.T, linestyle="", marker="o", markersize=2, color=colour("system1"))

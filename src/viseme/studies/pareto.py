"""Quality against cost: which systems no other beats in both, and the drawing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from viseme.studies.panels import HEIGHT, WIDTH, Colour


@dataclass(frozen=True, slots=True)
class Point:
    """A system: its speed in frames a second, a metric's value, and how far that is from the best it can be."""

    name: str
    speed: float
    value: float
    away: float


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other equals or beats in both speed and quality while beating it in one, the fastest first."""
    kept = [
        point
        for point in points
        if not any(
            other.speed >= point.speed
            and other.away <= point.away
            and (other.speed > point.speed or other.away < point.away)
            for other in points
        )
    ]
    return sorted(kept, key=lambda point: -point.speed)


@dataclass(frozen=True, slots=True)
class Trade:
    """A metric over frames a second, systems numbered, those on the front filled and joined.

    Attributes:
        numbers: of the systems, by name.
        target: the best value, drawn as a line.
    """

    title: str
    points: Sequence[Point]
    numbers: Mapping[str, int]
    target: float | None = None

    @property
    def width(self) -> float:
        return 1.3 * WIDTH

    @property
    def height(self) -> float:
        return 1.2 * HEIGHT

    def paint(self, axes: Any, colour: Colour) -> None:
        best = front(self.points)
        if self.target is not None:
            axes.axhline(self.target, color=colour("muted"), linewidth=1, linestyle=(0, (2, 2)))
        axes.plot([p.speed for p in best], [p.value for p in best], color=colour("system0"), linewidth=1.2)
        for point in self.points:
            on = point in best
            axes.plot(
                [point.speed],
                [point.value],
                marker="o",
                markersize=6,
                linestyle="",
                color=colour("system0" if on else "muted"),
                markerfacecolor=colour("system0" if on else "page"),
            )
            axes.annotate(
                str(self.numbers[point.name]),
                (point.speed, point.value),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                color=colour("truth" if on else "muted"),
            )
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.set_xlabel("frames a second", loc="right", labelpad=1)
        axes.grid(color=colour("rule"), linewidth=0.8)
        axes.set_xscale("log")
        axes.margins(0.12)
        speeds = sorted({float(f"{point.speed:.2g}") for point in self.points})
        shown = speeds if len(speeds) <= 5 else [speeds[round(at * (len(speeds) - 1) / 4)] for at in range(5)]
        axes.set_xticks(shown, [f"{speed:g}" for speed in shown])
        axes.minorticks_off()
        axes.locator_params(axis="y", nbins=5)

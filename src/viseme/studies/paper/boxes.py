"""A graph of parts as a panel: boxes with what each gives and learns, arrows between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from viseme.report.wording import number
from viseme.studies.panels import Colour
from viseme.studies.paper.graph import Graph

ACROSS, DOWN = 1.55, 0.95
"""Inches from box to box."""
BOX = (1.25, 0.56)
"""Inches of a box."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """A graph with each part at a place.

    Attributes:
        places: part -> column and row, from the upper left corner.
        faint: parts whose arrows are drawn thin, since they feed nearly everything.
    """

    title: str
    graph: Graph
    places: Mapping[str, tuple[float, float]]
    faint: frozenset[str] = frozenset()

    @property
    def width(self) -> float:
        return float(ACROSS * (1 + max(column for column, _ in self.places.values())))

    @property
    def height(self) -> float:
        return float(0.3 + DOWN * (1 + max(row for _, row in self.places.values())))

    def paint(self, axes: Any, colour: Colour) -> None:
        from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

        middles = {name: (ACROSS * column, -DOWN * row) for name, (column, row) in self.places.items()}
        half = dict.fromkeys(middles, (BOX[0] / 2, BOX[1] / 2))
        for source, target in self.graph.edges:
            if source not in middles or target not in middles:
                continue
            thin = source in self.faint
            start, end = _ends(middles[source], middles[target], half[source])
            axes.add_patch(
                FancyArrowPatch(
                    start,
                    end,
                    arrowstyle="-|>",
                    mutation_scale=6 if thin else 9,
                    linewidth=0.5 if thin else 1.1,
                    color=colour("rule" if thin else "muted"),
                    shrinkA=0,
                    shrinkB=0,
                    zorder=1 if thin else 2,
                )
            )
        for name, (x, y) in middles.items():
            learns = self.graph.parameters.get(name, 0)
            given = name not in self.graph.parameters
            shade = colour("system1" if given else "system0")
            axes.add_patch(
                FancyBboxPatch(
                    (x - BOX[0] / 2, y - BOX[1] / 2),
                    *BOX,
                    boxstyle="round,pad=0,rounding_size=0.06",
                    linewidth=1.0,
                    edgecolor=shade,
                    facecolor=colour("page"),
                    zorder=3,
                )
            )
            lines = [name, " × ".join(map(str, self.graph.shapes.get(name, ()))) or "1"]
            if learns:
                lines.append(f"{number(learns / 1e6, 2)} M" if learns >= 5000 else f"{number(learns, 0)}")
            for at, text in enumerate(lines):
                axes.text(
                    x,
                    y + 0.155 * ((len(lines) - 1) / 2 - at),
                    text,
                    ha="center",
                    va="center",
                    fontsize=8 if at == 0 else 7,
                    color=colour("truth" if at == 0 else "muted"),
                    zorder=4,
                )
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.set_xlim(-ACROSS / 2, self.width - ACROSS / 2)
        axes.set_ylim(-self.height + 0.3 + DOWN / 2, DOWN / 2)
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)


def _ends(
    a: tuple[float, float], b: tuple[float, float], half: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the line between two middles leaves the first box and meets the second."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    scale = min((half[0] / abs(dx)) if dx else float("inf"), (half[1] / abs(dy)) if dy else float("inf"))
    return (a[0] + dx * scale, a[1] + dy * scale), (b[0] - dx * scale, b[1] - dy * scale)

"""The drawings of a study: panels side by side.

Each drawing is made twice: in the page's own colours, and as SVG and PNG files in the light ones.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viseme.files import written_aside
from viseme.report.figures import COLOURS, Figure, for_page, stands_for
from viseme.report.html import part
from viseme.studies.panels import Colour, Panel

DPI = 160


@dataclass(frozen=True, slots=True)
class Drawing:
    """Panels in rows of `across`, under the name of its files."""

    name: str
    title: str
    alt: str
    panels: Sequence[Panel]
    across: int = 3

    def inline(self) -> Figure:
        """For the page, in the page's colours."""
        return Figure(self.title, self.alt, for_page(_svg(self, stands_for), self.name))

    def save(self, folder: Path) -> None:
        """Write `NAME.svg` and `NAME.png`."""
        shades = palette()
        with written_aside(folder / f"{self.name}.svg") as aside:
            aside.write_text(_svg(self, shades.__getitem__), encoding="utf-8")
        with written_aside(folder / f"{self.name}.png") as aside:
            _drawn(self, shades.__getitem__, aside, format="png", dpi=DPI, facecolor=shades["page"])


def palette() -> dict[str, str]:
    """The page's light colours by their CSS variables."""
    light = part("style.css").partition("}")[0]
    found = dict(re.findall(r"--([a-z0-9]+):\s*(#[0-9a-f]{3,6})", light))
    return {name: found[name] for name in COLOURS}


def _svg(drawing: Drawing, colour: Colour) -> str:
    file = io.StringIO()
    _drawn(drawing, colour, file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _drawn(drawing: Drawing, colour: Colour, target: Any, **options: Any) -> None:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    text = colour("muted")
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": drawing.name,
        "font.size": 9,
        "text.color": text,
        "axes.labelcolor": text,
        "xtick.labelcolor": text,
        "ytick.labelcolor": text,
        "axes.titlecolor": text,
    }
    across = min(drawing.across, len(drawing.panels))
    rows = math.ceil(len(drawing.panels) / across)
    heights = [max(panel.height for panel in drawing.panels[row * across :][:across]) for row in range(rows)]
    with matplotlib.rc_context(settings):
        canvas = Canvas(
            figsize=(across * max(panel.width for panel in drawing.panels), sum(heights)), layout="constrained"
        )
        FigureCanvasAgg(canvas)
        grid = canvas.subplots(rows, across, squeeze=False, height_ratios=heights)
        for place, axes in enumerate(grid.flat):
            if place >= len(drawing.panels):
                axes.set_visible(False)
                continue
            drawing.panels[place].paint(axes, colour)
            axes.patch.set_visible(False)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.spines["bottom"].set_color(colour("rule"))
            axes.tick_params(length=0)
        canvas.savefig(target, **options)

"""Curves in a terminal: dots of braille for what is logged often, letters for what is logged now and then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 39, 5
"""Characters of one plot, so that two side by side fit 80 columns, and lines of its drawing."""
LABEL = 8
FEW = 24
"""A curve of at most so many points is drawn as letters."""
DECADES = 1.5
"""A range of more powers of ten than this is drawn on a logarithmic axis."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the dots of a braille character (U+2800 and up), by row and column."""


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: its mark is the first letter of its name."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]


def plot(title: str, series: Sequence[Series], last: float | None = None) -> list[str]:
    """Curves over steps as lines of equal length, `WIDTH` characters each.

    The first line is the title, with the mark and the newest value of each curve; below the drawing stand the steps,
    from 0 to `last` (the largest step by default). A value above another in one column wins only as letters do over
    dots. Returns nothing for no points.
    """
    shown = [one for one in series if len(one.values)]
    if not shown:
        return []
    across = WIDTH - LABEL - 1
    values = [value for one in shown for value in one.values]
    end = max(max(one.steps) for one in shown) if last is None else last
    low, high = min(values), max(values)
    logarithmic = low > 0 and math.log10(high / low) > DECADES
    axis = _Axis(low, high, logarithmic)
    cells = [[0x2800] * across for _ in range(HEIGHT)]
    letters: dict[tuple[int, int], str] = {}
    for one in shown:
        for step, value in zip(one.steps, one.values, strict=True):
            x, y = (step / end if end > 0 else 0.0), 1 - axis.place(value)
            column, row = round(x * (2 * across - 1)), round(y * (4 * HEIGHT - 1))
            if len(one.values) <= FEW:
                letters[row // 4, column // 2] = one.name[:1]
            else:
                cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
    lines = [_headed(title + (" (log)" if logarithmic else ""), shown)]
    labels = dict(zip((0, HEIGHT - 1), apart(high, low), strict=True))
    for row, line in enumerate(cells):
        drawn = "".join(letters.get((row, column), chr(cell)) for column, cell in enumerate(line))
        lines.append(f"{labels.get(row, ''):>{LABEL}}┤{drawn}".replace(chr(0x2800), " "))
    lines.append(f"{'':{LABEL}} {'0'}{f'step {short(end)}':>{across - 1}}")
    return lines


def beside(plots: Sequence[list[str]]) -> list[str]:
    """Plots two in a row, an empty line between rows, none longer than 80 characters."""
    lines = []
    for at in range(0, len(plots), 2):
        pair = plots[at : at + 2]
        height = max(map(len, pair))
        padded = [one + [""] * (height - len(one)) for one in pair]
        lines += ["", *("  ".join(f"{line:{WIDTH}}" for line in row).rstrip() for row in zip(*padded, strict=True))]
    return lines[1:]


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """0 at the bottom, 1 at the top; the middle where all values are one."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return (value - low) / (high - low) if high > low else 0.5


def _headed(title: str, series: Sequence[Series]) -> str:
    """`loss  train 0.031  val 0.034`, cut to the width of the plot; a lone curve goes without its name."""
    names = [f"{one.name} " if len(series) > 1 else "" for one in series]
    newest = [f"{name}{short(one.values[-1])}" for name, one in zip(names, series, strict=True)]
    return "  ".join([title, *newest])[:WIDTH]


def apart(high: float, low: float) -> tuple[str, str]:
    """Both ends of an axis, with so many digits as tell them from each other and `LABEL` characters hold."""
    for digits in (3, 4, 5):
        texts = short(high, digits), short(low, digits)
        if texts[0] != texts[1] or high == low:
            break
    return texts


def short(value: float, digits: int = 3) -> str:
    """At most `LABEL` characters: `1700`, `0.0312`, `-1.3e-07`."""
    if value == int(value) and abs(value) < 1e7:
        return str(int(value))
    text = f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e5 else f"{value:.1e}"
    return text if len(text) <= LABEL else f"{value:.0e}"

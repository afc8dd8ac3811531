"""What commands print: aligned tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes at work; as many as cores when left out.", show_default=False)
]
Engine = Annotated[
    Literal["loky", "ray"], typer.Option(help="Processes on this machine, or workers of a Ray cluster (viseme[ray]).")
]
Seed = Annotated[int, typer.Option(min=0, help="Where all random choices start.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="A field of the configuration; repeat for more."),
]


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns padded to their widest cell, two spaces between them; numbers stand to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *texts, strict=True)]
    numeric = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))]
    for line in (list(columns), *texts):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        print("  ".join(cells).rstrip())


def print_json(value: Any) -> None:
    """JSON that a program reads: indented, UTF-8, no NaN."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def names(text: str | None) -> list[str]:
    """The names in `a,b,c`; spaces around them and empty ones do not count."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def count(number: int, noun: str) -> str:
    """`1 clip`, `2 clips`, `1,200 frames`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

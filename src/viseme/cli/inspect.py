"""`viseme inspect`: what a path is and what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from viseme import api
from viseme.cli.output import Json, print_json, print_table


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A store, run, model, video, videos folder or results.")],
    out: Annotated[
        Path | None, typer.Option(metavar="SHEET.png", help="Picture of a store's clips with their landmarks.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what a store, run, model, video or result is and holds."""
    summary = api.inspect(path, out=out)
    if as_json:
        print_json(summary.to_dict())
        return
    print(f"{summary.path}: {summary.kind}")
    width = max(map(len, summary.facts))
    for name, value in summary.facts.items():
        print(f"  {name.ljust(width)}  {_shown(value)}")
    for title, table in summary.tables.items():
        if table.rows:
            print(f"\n{title}")
            print_table(table.columns, table.rows)
    if out is not None:
        print(f"\n{out}")


def _shown(value: Any) -> str:
    """As a person would write it: yes and no, lists with commas, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)

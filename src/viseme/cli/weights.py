"""`viseme weights`: pretrained parts that others made, and how they come here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import Json, print_json, print_table


def weights(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Download this part, or take it.")] = None,
    path: Annotated[Path | None, typer.Option(help="Take the part from this file instead.", metavar="FILE")] = None,
    as_json: Json = False,
) -> None:
    """List the pretrained parts, or bring one into the cache, checked by its SHA-256."""
    if name is not None:
        print(api.fetch_pretrained(name, path))
        return
    if path is not None:
        raise typer.BadParameter("--path needs the NAME of a part")
    parts = api.pretrained()
    if as_json:
        fields = ("name", "use", "file", "size", "sha256", "licence", "page")
        print_json([{**{field: getattr(part, field) for field in fields}, "here": here} for part, here in parts])
    else:
        rows = [(p.name, p.use, f"{p.size / 1e6:.1f} MB", p.licence, "yes" if here else "no") for p, here in parts]
        print_table(("part", "use", "size", "licence", "here"), rows)

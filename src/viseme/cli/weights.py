"""`viseme weights`: pretrained parts that others made, and how they come here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from viseme import api
from viseme.cli.output import Json, print_json, print_table

if TYPE_CHECKING:
    from viseme.weights import Part


def weights(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Bring this part here, and tell all of it.")
    ] = None,
    path: Annotated[Path | None, typer.Option(help="Take the part from this file instead.", metavar="FILE")] = None,
    as_json: Json = False,
) -> None:
    """List the pretrained parts, or bring one here, checked by its SHA-256."""
    if name is None:
        if path is not None:
            raise typer.BadParameter("--path needs the NAME of a part")
        _list(as_json)
        return
    place = api.fetch_pretrained(name, path)
    part = next(part for part, _ in api.pretrained() if part.name == name)
    if as_json:
        print_json(_facts(part, place))
        return
    facts = (
        ("part", part.name),
        ("what for", part.use),
        ("file", part.file),
        ("size", _size(part)),
        ("sha256", part.sha256 or "not published"),
        ("licence", part.licence),
        ("page", part.page),
        ("from", _source(part)),
        ("lies in", place),
    )
    for what, value in facts:
        print(f"{what:<10}{value}")


def _list(as_json: bool) -> None:
    from viseme.weights import command

    parts = api.pretrained()
    if as_json:
        print_json([{**_facts(part, place), "command": command(part.name)} for part, place in parts])
        return
    rows = [(p.name, p.use, _size(p), p.licence, "here" if place else command(p.name)) for p, place in parts]
    print_table(("part", "what for", "size", "licence", "here, or how to get it"), rows)


def _facts(part: Part, place: Path | None) -> dict[str, Any]:
    fields = ("name", "use", "file", "size", "sha256", "licence", "page")
    facts = {field: getattr(part, field) for field in fields}
    return {**facts, "from": _source(part), "here": place is not None, "path": str(place) if place else None}


def _source(part: Part) -> str:
    if part.package:
        return f"the package {part.package}"
    return f"{part.hub} at {part.revision}" if part.hub else part.url or part.page


def _size(part: Part) -> str:
    return f"{part.size / 1e6:.1f} MB" if part.size >= 50_000 else f"{part.size / 1e3:.1f} kB"

"""`viseme corpora`: the corpora that `prepare` reads."""

from __future__ import annotations

from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import Json, print_json, print_table


def corpora(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One corpus, told in full.")] = None,
    as_json: Json = False,
) -> None:
    """List the corpora known: layout, licence, citation."""
    known = api.corpora(name)
    fields = ("name", "title", "licence", "citation", "layout")
    if as_json:
        print_json([{field: getattr(corpus, field) for field in fields} for corpus in known])
    elif name is None:
        print_table(("corpus", "title", "licence"), [(one.name, one.title, one.licence) for one in known])
    else:
        for field in fields:
            print(f"{field}: {getattr(known[0], field)}")

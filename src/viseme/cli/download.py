"""`viseme download`: a corpus from where its makers offer it, or from a mirror."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import count, names, print_table
from viseme.errors import SomeFilesFailed


def download(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="cremad, grid or ravdess.")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="Folder of the files, made or carried on.")],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror's folder, or for cremad a repository's URL.git.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Files whose path matches; repeat for more.")
    ] = None,
    actors: Annotated[str, typer.Option(metavar="A,B", help="These actors' files alone.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Files at a time.")] = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files and stop.")] = False,
) -> None:
    """Fetch a corpus, each file checked by size and digest; stopped anywhere, the same command carries on."""
    if dry_run:
        files = api.plan_download(corpus, url=url, only=only or (), actors=names(actors))
        print_table(("bytes", "file"), [(file.size, file.path) for file in files])
        return
    report = api.download(corpus, dest, url=url, only=only or (), actors=names(actors), jobs=jobs)
    for path, reason in report.failed:
        print(reason if reason.startswith(path) else f"{path}: {reason}")
    here = report.kept + report.fetched
    print(
        f"{dest}: {here:,} of {count(report.files, 'file')} here, {report.fetched:,} of them new; "
        f"all together {report.size / 1e9:.2f} GB"
    )
    if here < report.files:
        left = f", {report.untried:,} not tried ({report.stopped})" if report.untried else ""
        raise SomeFilesFailed(
            f"{dest}: {count(len(report.failed), 'file')} failed{left}; what came is kept, the same command carries on"
        )

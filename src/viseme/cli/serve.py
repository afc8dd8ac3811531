"""`viseme serve`: the web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import Set


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...", help="Run folders, .safetensors files or bundled models; both bundled where left out."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to serve on; others than the loopback reach other machines.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")] = 7860,
    user: Annotated[str, typer.Option(help="User asked of every visitor.")] = "",
    password: Annotated[
        str, typer.Option(envvar="VISEME_PASSWORD", help="Password of that user.", show_default=False)
    ] = "",
    label: Annotated[str, typer.Option(metavar="WORDS", help="Words drawn into every frame.")] = "",
    certificate: Annotated[
        Path | None, typer.Option(metavar="CHAIN.pem", help="Certificates that sign every video (C2PA).")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="KEY.pem", help="Private key of the first of them.")] = None,
    algorithm: Annotated[str, typer.Option(help="How that key signs.")] = "es256",
    overrides: Set = None,
) -> None:
    """Serve the web page: photo and voice into video, and videos scored; --set changes its limits."""
    api.serve(
        models or (),
        host=host,
        port=port,
        user=user,
        password=password,
        label=label,
        certificate=certificate,
        key=key,
        algorithm=algorithm,
        overrides=overrides or (),
    )

"""`viseme demo`: what viseme does, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import count, print_table

SHOWN = ("mouth_correlation", "mouth_correlation_raw", "mouth_lmd", "ssim", "csim")


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for everything made.")] = Path("out/demo"),
) -> None:
    """Run both bundled models on a portrait and a voice, and score them on four synthetic clips."""
    made = api.demo(out)
    print("A portrait says what it never said:")
    print_table(
        ("model", "video", "frames", "frames/s"),
        [
            (name, str(path), made.speeds[name].frames, f"{made.speeds[name].frames_per_second:.1f}")
            for name, path in made.talks.items()
        ],
    )
    first = next(iter(made.results.values()))
    shown = [name for name in SHOWN if name in first.metrics]
    rows = []
    for name, results in made.results.items():
        values = [(results.metrics.get(metric), first.metrics[metric].digits) for metric in shown]
        rows.append((name, *("-" if value is None else f"{value.mean:.{digits}f}" for value, digits in values)))
    scored = first.counts["scored"]
    print(f"\nThe same models and their controls on {count(scored, 'rendered clip')}, first frame and sound given:")
    print_table(("system", *(first.metrics[name].title for name in shown)), rows)
    print(f"\nAll numbers, with the videos side by side: {made.report}")
    print(f"done in {made.seconds:.0f} s")

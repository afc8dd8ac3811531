"""What the page says, in plain words and HTML that a screen reader reads."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from viseme.report.wording import counted, number
from viseme.web.limits import Limits

if TYPE_CHECKING:
    from viseme.web.messages import Model, Score
    from viseme.web.studio import Progress

TITLE = "viseme"
LEAD = """# viseme
One photo and a voice into a talking-head video.
**Only of people who agreed to it.** Every video says in its metadata that it is generated."""
OWN = "the model's own"
"""The sampler's choice that leaves it to the model."""
SAMPLER = "From noise to picture."
SEED = "Another one, another video."
STEPS = "0: the model's own."
BETTER = {"higher": "higher", "lower": "lower", "truth": "the reference's own", "zero": "0", "none": "a control"}


def taken(limits: Limits) -> str:
    """What may be given, as a line under the form."""
    return (
        f"Photos up to {limits.megapixels:g} megapixels, voices up to {limits.sound_seconds:g} s, files up to "
        f"{limits.upload_mb:g} MB. A job may take {limits.job_seconds:g} s; one is made at a time and "
        f"{limits.waiting} may wait. What you upload and what is made is removed from the server after "
        f"{limits.keep_seconds / 60:g} minutes."
    )


def costs(models: Iterable[Model]) -> str:
    """What each choice costs on this machine, as a Markdown table and two sentences."""
    rows = ["| model | picture | a second of voice takes | how it makes a frame |", "|---|---|---|---|"]
    for model in models:
        how = f"in {model.steps} steps from noise ({model.sampler})" if model.samplers else "at once"
        seconds = 25 / model.pace
        rows.append(f"| {model.name} | {model.size} × {model.size} | {number(seconds, _digits(seconds))} s | {how} |")
    return "\n".join(
        [
            *rows,
            "",
            "Times were measured on this machine when the server started. Twice the **steps** take twice the time and "
            "make a frame cleaner, up to a point. A **sampler** is the way from noise to picture: `dpmpp_2m` needs the "
            "fewest steps, `ddim` is steady, `ddpm` needs many. The **seed** costs nothing: the same seed gives the "
            "same video, another one gives another.",
        ]
    )


def bar(progress: Progress) -> str:
    """A progress bar with the newest frame."""
    seen = progress.seen
    if seen is None:
        return working(f"{progress.model}: reading the photo and the voice")
    words = f"{escape(progress.model)}: frame {seen.number} of {seen.total}"
    data = base64.b64encode(seen.png).decode("ascii")
    picture = f'<img src="data:image/png;base64,{data}" alt="Frame {seen.number}" width="128" height="128">'
    name = escape(progress.model)
    return (
        f'<div class="viseme-progress">{picture}<div><p>{words}</p>'
        f'<progress aria-label="{name}" value="{seen.number}" max="{seen.total}"></progress></div></div>'
    )


def working(words: str) -> str:
    """A progress bar without an end."""
    return (
        f'<div class="viseme-progress"><div><p>{escape(words)}</p>'
        f'<progress aria-label="{escape(words)}"></progress></div></div>'
    )


def said(words: Sequence[str]) -> str:
    """Lines that a screen reader announces when they change."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in words)
    return f'<div class="viseme-said" role="status">{lines}</div>'


def refused(sentence: str) -> str:
    """Why there is nothing, where it stays in sight; a screen reader announces it at once."""
    return f'<div class="viseme-said" role="alert"><p>{escape(sentence)}</p></div>'


def made(model: str, frames: int, seconds: float, note: str) -> str:
    """What is said of a finished video."""
    told = f"{model}: {counted(frames, 'frame')}, made in {number(seconds, _digits(seconds))} s."
    return f"{told} Note: {note}." if note else told


def table(scores: Sequence[Score], notes: Sequence[str]) -> str:
    """Scores as an HTML table; notes below."""
    rows = []
    for score in scores:
        metric = score.metric
        truth = "" if score.truth is None else number(score.truth, metric.digits)
        unit = f" {metric.unit}" if metric.unit else ""
        own = f"{number(score.value, metric.digits)}{escape(unit)}"
        cells = (own, truth, BETTER[metric.better], escape(metric.description))
        data = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(metric.title)}</th>{data}</tr>')
    heads = ("metric", "your video", "the reference's own", "best is", "what it is")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<div class="viseme-scores" tabindex="0" role="region" aria-label="Scores"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div><ul>{listed}</ul>"
    )


def _digits(seconds: float) -> int:
    return 0 if seconds >= 10 else 1 if seconds >= 1 else 2

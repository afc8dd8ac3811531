"""The Markdown card of a trained model: what it is, what it was made of, how well it does, and what it is not for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from viseme.evaluation.bootstrap import ENOUGH_CLIPS, interval
from viseme.evaluation.metrics import METRICS
from viseme.report.html import intervals, scope
from viseme.report.plain import escaped, markdown, table
from viseme.report.systems import by_size, load_systems
from viseme.report.wording import bounds, counted, listed, number, signature

KNOWN = (
    *("corpus", "licence", "citation", "clips", "frames", "store", "fingerprint"),
    *("steps", "seconds", "machine", "parameters", "model_sha256", "version", "began_from", "made_by"),
)
"""What a card may say of the training, besides the actors."""

FAMILIES = {"ddpm": "conditional denoising diffusion model", "gan": "conditional generative adversarial network"}


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip rolled out in validation: whose it is, the frames scored, and metric -> value."""

    actor: str
    frames: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Validation:
    """What the last validation measured, on actors that were never trained on.

    Attributes:
        step: of the weights that the card is about.
        clips: scores of rollouts; empty where none were made.
        windows: scalar -> mean over single windows, as the run logs them.
    """

    step: int
    clips: tuple[ClipScore, ...]
    windows: Mapping[str, float]


def model_card(
    config: Mapping[str, Any],
    training: Mapping[str, Any],
    results: Mapping[str, str | os.PathLike[str]],
    validation: Validation | None = None,
) -> str:
    """The card of one model.

    Args:
        config: its resolved configuration, as in a run's `config.yaml`.
        training: what is known of its training; all may be left out, and the card then says that it is not recorded.
            `corpus`, `licence`, `citation`: of the data; `actors` (names), `clips`, `frames`: trained on; `store`,
            `fingerprint`; `steps`, `seconds`, `machine`; `parameters`, `model_sha256`, `version` of viseme;
            `began_from`, the model whose weights it began from; `made_by`, the commands that make the weights again.
        results: name -> results file, as for `compare`: the model itself and the controls beside which its numbers
            have a meaning. An empty one gives a card that says that nothing was measured.
        validation: what training measured by itself; the card then has a section of it.

    Raises:
        InputError: a results file is none, or they are of different references.
    """
    groups = by_size(load_systems(results)) if results else []
    return (
        _environment()
        .get_template("model_card.md.j2")
        .render(
            name=escaped(str(config.get("name", "model"))),
            family=FAMILIES.get(str(config.get("kind")), "generative model"),
            size=_size(config),
            landmarks=bool(_section(config, "model").get("landmarks")),
            config=yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True).strip(),
            known={key: _text(key, training.get(key)) for key in KNOWN},
            actors=_actors(training),
            few=len(_listed(training.get("actors"))) < 20 if training.get("actors") else False,
            validation=None if validation is None else _validated(validation),
            groups=groups,
            scores=_nested(markdown(groups)) if groups else "",
            scope=escaped(scope(groups[0])) if groups else "",
            intervals=intervals(groups[0]) if groups else "",
        )
    )


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def _size(config: Mapping[str, Any]) -> str:
    size = _section(config, "data").get("size")
    return f"{size} × {size} pixels" if size else "a fixed size"


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _actors(training: Mapping[str, Any]) -> str:
    names = _listed(training.get("actors"))
    if not names:
        return ""
    return counted(len(names), "actor") + (f" ({escaped(listed(names))})" if len(names) <= 20 else "")


def _text(key: str, value: Any) -> str:
    if value in (None, "", []):
        return ""
    if key == "seconds" and isinstance(value, int | float):
        if value < 120:
            return f"{number(value, 0)} seconds"
        hours = value / 3600
        return f"{number(hours, 1)} hours" if hours >= 1.95 else f"{number(value / 60, 0)} minutes"
    if key in ("model_sha256", "fingerprint"):
        return f"`{signature(escaped(str(value)), 16)}`"
    if key == "made_by":
        return str(value).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, 0)
    return escaped(str(value))


def _validated(found: Validation) -> dict[str, str]:
    """The validation in words and two tables, each empty where there is nothing to put into it."""
    names = dict.fromkeys(name for clip in found.clips for name in clip.values)
    actors = list(dict.fromkeys(clip.actor for clip in found.clips))
    frames = counted(sum(clip.frames for clip in found.clips), "frame")
    windows = [[f"`{name}`", f"{value:.4g}"] for name, value in found.windows.items()]
    rolled = [_rolled(name, [clip for clip in found.clips if name in clip.values]) for name in names]
    return {
        "step": number(found.step, 0),
        "over": f"{counted(len(found.clips), 'clip')} of {counted(len(actors), 'actor')}, {frames}",
        "few": str(ENOUGH_CLIPS) if len(found.clips) < ENOUGH_CLIPS else "",
        "rollouts": table(["Metric", "Mean", "95 % interval", "Clips"], rolled) if rolled else "",
        "windows": table(["Scalar", "Mean"], windows) if windows else "",
    }


def _rolled(name: str, clips: list[ClipScore]) -> list[str]:
    """One metric: title, mean, interval where the clips are enough for one, and their number."""
    metric = METRICS.get(name)
    title, unit, digits = (metric.title, metric.unit, metric.digits) if metric else (name.upper(), "", 3)
    over = interval([clip.values[name] for clip in clips], [clip.actor for clip in clips], np.random.default_rng(0))
    ends = bounds(over.low, over.high, digits) if len(clips) >= ENOUGH_CLIPS else "none"
    return [escaped(f"{title} ({unit})" if unit else title), number(over.mean, digits), ends, str(len(clips))]


def _nested(text: str) -> str:
    """Headings one level down, to stand under a heading of the card."""
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.strip().split("\n"))


def _plain(value: Any) -> Any:
    """Mappings and sequences as YAML's own kinds."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _environment() -> Environment:
    """Jinja without HTML escaping: the card is Markdown, and what comes from outside was escaped for it."""
    return Environment(
        loader=PackageLoader("viseme.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

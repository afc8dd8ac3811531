"""What a path is and what it holds: a store, a run, a model, a video, a folder of generated videos, or results."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viseme.errors import InputError


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells (strings, numbers) under named columns."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found at a path.

    Attributes:
        kind: store, run, model, video, videos or results.
        path: as it was given.
        facts: name -> JSON value, in the order of reading.
        tables: title -> table.
    """

    kind: str
    path: str
    facts: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON types; each row of a table by its columns."""
        tables = {
            title: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for title, table in self.tables.items()
        }
        return {"kind": self.kind, "path": self.path, "facts": dict(self.facts), **tables}


def inspect(path: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Summary:
    """Look at a path.

    Args:
        path: anything that a command of viseme writes or reads.
        out: where to write a contact sheet (PNG), for a store.

    Raises:
        InputError: it does not exist, is none of these, or `out` is given for something else than a store.
    """
    place = Path(path)
    if not place.exists():
        raise InputError(f"{path}: no such file or folder; give a store, run, model, video or results")
    if (place / "store.json").is_file():
        return _store(place, out)
    if out is not None:
        raise InputError(f"{path}: is no store; a picture is made of stores alone")
    if place.is_dir():
        return _folder(place)
    if place.suffix == ".safetensors":
        return _model(place)
    return _results(place) if place.suffix == ".json" else _video(place)


def _folder(place: Path) -> Summary:
    from viseme.generation.manifest import MANIFEST
    from viseme.training.run import RunFolder

    if RunFolder(place).config.is_file():
        return _run(place)
    if (place / MANIFEST).is_file():
        return _videos(place)
    raise InputError(f"{place}: holds no store.json, config.yaml or manifest.json; give a store, a run or videos")


def _store(place: Path, out: str | os.PathLike[str] | None) -> Summary:
    from viseme.data.inspect import describe, save_contact_sheet
    from viseme.data.store import Store

    store = Store.open(place)
    if out is not None:
        save_contact_sheet(store, out)
    seen = describe(store)
    known = ("corpus", "licence", "size", "fps", "rate", "align", "detector", "seed", "version")
    facts = {
        "clips": seen.accepted,
        "rejected": len(seen.rejected),
        "frames": seen.frames,
        "minutes": round(seen.seconds / 60, 2),
        "share of frames with a face": round(seen.found, 4),
        **{name: seen.info[name] for name in known},
        "fingerprint": seen.fingerprint,
    }
    splits = [(one.split, len(one.actors), one.clips, one.frames, " ".join(one.actors)) for one in seen.splits]
    actors = [
        (one.actor, " ".join(f"{split} {clips}" for split, clips in one.clips.items()), one.frames, one.rejected)
        for one in seen.actors
    ]
    tables = {
        "splits": Table(("split", "actors", "clips", "frames", "who"), splits),
        "actors": Table(("actor", "clips", "frames", "rejected"), actors),
        "rejected clips": Table(("clip", "source", "reason"), [(r.clip_id, r.source, r.reason) for r in seen.rejected]),
    }
    return Summary("store", str(place), facts, tables)


def _run(place: Path) -> Summary:
    from viseme.config import load_config
    from viseme.families import count_parameters
    from viseme.training.run import RunFolder

    folder = RunFolder(place)
    config, about = load_config(folder.config), folder.read_about()
    facts = {
        "model": config.name,
        "kind": config.kind,
        "size": config.data.size,
        "parameters": count_parameters(config),
        "store": about.get("store", {}).get("name"),
        "step": about.get("step", 0),
        "steps": config.training.steps,
        "done": about.get("done", False),
        "checkpoints": [one.name for one in folder.checkpoints()],
    }
    return Summary(
        "run", str(place), facts, {"last scalars": Table(("split", "step", "scalar", "value"), _last(folder.metrics))}
    )


def _last(metrics: Path) -> list[tuple[str, int, str, float]]:
    """The newest value of each scalar of each split; a line cut short by a crash is passed over."""
    newest: dict[tuple[str, str], tuple[int, float]] = {}
    lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.is_file() else []
    for line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        for name in row.keys() - {"step", "split"}:
            newest[row["split"], name] = (row["step"], row[name])
    return [(split, step, name, round(value, 5)) for (split, name), (step, value) in sorted(newest.items())]


def _model(place: Path) -> Summary:
    from viseme.config import parse_config
    from viseme.families import count_parameters
    from viseme.files import sha256
    from viseme.nn.weights import read_model

    file = read_model(place)
    config = parse_config(file.config, str(place))
    precisions = sorted({str(weight.dtype).removeprefix("torch.") for weight in file.weights.values()})
    facts = {
        "model": config.name,
        "kind": config.kind,
        "size": config.data.size,
        "parameters": count_parameters(config),
        "precision": ", ".join(precisions),
        "bytes": place.stat().st_size,
        "sha256": sha256(place),
        **{f"training {name}": value for name, value in file.training.items()},
    }
    return Summary("model", str(place), facts)


def _videos(place: Path) -> Summary:
    from viseme.generation.manifest import VideoManifest

    manifest = VideoManifest.load(place)
    system, speed = manifest.system, manifest.frames_per_second
    facts = {
        "system": system.name,
        "model sha256": system.model_sha256,
        "viseme": system.version,
        "control": system.control,
        "shuffled audio": system.shuffled_audio,
        "driven by landmarks of the truth": system.leaking,
        "size": system.size,
        "seed": system.seed,
        "sampling": dict(system.sampling),
        "store": manifest.reference.store,
        "split": manifest.reference.split,
        "clips": manifest.total,
        "videos": len(manifest.clips) - len(manifest.failed),
        "failed": len(manifest.failed),
        "frames per second": None if speed is None else round(speed, 2),
    }
    failed = Table(("clip", "reason"), [(row.clip_id, row.reason) for row in manifest.failed])
    return Summary("videos", str(place), facts, {"failed clips": failed})


def _results(place: Path) -> Summary:
    from viseme.evaluation.results import load

    results = load(place)
    facts = {
        "system": results.name,
        "store": results.reference.get("store"),
        "split": results.reference.get("split"),
        "clips": results.counts.get("clips"),
        "scored": results.counts.get("scored"),
        "notes": results.notes,
    }
    rows = [
        (name, *(round(number, metric.digits) for number in (metric.mean, metric.low, metric.high)), metric.n)
        for name, metric in results.metrics.items()
    ]
    metrics = Table(("metric", "mean", "low", "high", "clips"), rows)
    failed = Table(("clip", "reason"), [(clip.clip_id, clip.reason) for clip in results.failed])
    return Summary("results", str(place), facts, {"metrics": metrics, "failed clips": failed})


def _video(place: Path) -> Summary:
    from viseme.data.video import opened
    from viseme.generation.provenance import read_provenance

    with opened(place) as container:
        facts = dict(_streams(container))
    made = read_provenance(place)
    facts["made by viseme"] = bool(made)
    return Summary("video", str(place), {**facts, **{f"provenance {name}": value for name, value in made.items()}})


def _streams(container: Any) -> Iterator[tuple[str, Any]]:
    yield "container", container.format.name
    for stream in container.streams.video:
        yield "video", f"{stream.codec_context.name} {stream.width}x{stream.height} {stream.pix_fmt or ''}".strip()
        yield "frames per second", None if stream.average_rate is None else round(float(stream.average_rate), 3)
        yield "frames", stream.frames or None
        break
    for stream in container.streams.audio:
        yield "sound", f"{stream.codec_context.name} {stream.rate} Hz, {stream.channels} channel(s)"
        break
    if container.duration:
        yield "seconds", round(container.duration / 1e6, 3)

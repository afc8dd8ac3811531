"""What a path is and what it holds: a store, a run, a model, a video, a folder of generated videos, or results."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viseme.errors import InputError
from viseme.files import AnyPath, sha256, write_text

if TYPE_CHECKING:
    from viseme.training.state import Panel, RunState

PICTURES_ON_PAGE = 12
STORE_PICTURES = 3
"""MiB of pictures in a store's page."""


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
        warnings: of a run: what its curves say will not end well, and what to change, one line each; of a store: what
            somebody about to train should know first.
        panels: of a run: its curves, those of one scalar together.
    """

    kind: str
    path: str
    facts: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    panels: Sequence[Panel] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON types; each row of a table by its columns, each curve as steps and values."""
        tables = {
            title: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for title, table in self.tables.items()
        }
        told = {"kind": self.kind, "path": self.path, "facts": dict(self.facts), **tables}
        if self.kind == "store":
            return {**told, "warnings": list(self.warnings)}
        if self.kind != "run":
            return told
        curves = [
            {"split": one.split, "name": one.name, "steps": one.steps.tolist(), "values": one.values.tolist()}
            for panel in self.panels
            for one in panel.curves
        ]
        return {**told, "warnings": list(self.warnings), "curves": curves}


def inspect(
    path: AnyPath, out: AnyPath | None = None, html: AnyPath | None = None, source: AnyPath | None = None
) -> Summary:
    """Look at a path.

    Args:
        path: anything that a command of viseme writes or reads.
        out: where to write a contact sheet (PNG), for a store.
        html: where to write a page, for a run or a store.
        source: the folder a store was prepared from, for pictures of its rejected clips in the page.

    Raises:
        InputError: it does not exist, is none of these, or `out`, `html` or `source` is given for something else.
        OutputError: the picture or the page cannot be written.
    """
    from viseme.data.mirror import store_folder

    place = store_folder(path)
    if not place.exists():
        raise InputError(f"{path}: no such file or folder; give a store, run, model, video or results")
    is_store = (place / "store.json").is_file()
    if html is not None and not (is_store or (place / "config.yaml").is_file()):
        raise InputError(f"{path}: is no run and no store; a page is made of these alone")
    if source is not None and not (is_store and html is not None):
        raise InputError(f"{source}: a source is looked at for the page of a store alone; give a store and --html")
    if is_store:
        return _store(place, out, html, source)
    if out is not None:
        raise InputError(f"{path}: is no store; a picture is made of stores alone")
    if place.is_dir():
        return _folder(place, html)
    if place.suffix == ".safetensors":
        return _model(place)
    return _results(place) if place.suffix == ".json" else _video(place)


def _folder(place: Path, html: AnyPath | None) -> Summary:
    from viseme.generation.manifest import MANIFEST
    from viseme.training.run import RunFolder

    if RunFolder(place).config.is_file():
        return _run(place, html)
    if (place / MANIFEST).is_file():
        return _videos(place)
    raise InputError(f"{place}: holds no store.json, config.yaml or manifest.json; give a store, a run or videos")


def _store(place: Path, out: AnyPath | None, html: AnyPath | None, source: AnyPath | None) -> Summary:
    from viseme.data.cautions import cautions
    from viseme.data.inspect import describe, save_contact_sheet
    from viseme.data.store import Store

    store = Store.open(place)
    if out is not None:
        save_contact_sheet(store, out)
    seen = describe(store)
    known = ("corpus", "licence", "size", "fps", "rate", "align", "face", "detector", "seed", "version")
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
    quality = [dataclasses.astuple(one) for one in seen.quality]
    tables = {
        "splits": Table(("split", "actors", "clips", "frames", "who"), splits),
        "actors": Table(("actor", "clips", "frames", "rejected"), actors),
        "quality": Table(("measure", "unit", "clips", "least", "median", "most", "worst clip"), quality),
        "rejected clips": Table(("clip", "source", "reason"), [(r.clip_id, r.source, r.reason) for r in seen.rejected]),
    }
    summary = Summary("store", str(place), facts, tables, cautions(seen, store.clips()))
    if html is not None:
        from viseme.data.look import look
        from viseme.report.media import MIB, Album
        from viseme.report.store_page import render_store
        from viseme.report.wording import shown

        told, album = {name: shown(value) for name, value in facts.items()}, Album(STORE_PICTURES * MIB)
        title, seen_in = place.resolve().name, look(store, seen, source)
        write_text(html, render_store(title, told, summary.warnings, seen_in, album, source is not None))
    return summary


def _run(place: Path, html: AnyPath | None) -> Summary:
    from viseme.families import count_parameters
    from viseme.training.run import RunFolder
    from viseme.training.state import panels, read_state

    found = read_state(RunFolder(place))
    config, history = found.config, found.history
    corpus = found.about.get("store")
    facts = {
        "model": config.name,
        "kind": config.kind,
        "size": config.data.size,
        "parameters": count_parameters(config),
        "encoder": config.audio.kind,
        "store": corpus.get("name") if isinstance(corpus, dict) else None,
        "corpus": corpus.get("corpus") if isinstance(corpus, dict) else None,
        "begun from": _origin(found.about.get("init")),
        "state": found.state,
        "step": found.step,
        "steps": config.training.steps,
        "done": found.state == "done",
        "seconds a step": None if history.pace is None else round(history.pace, 3),
        "seconds left": None if found.left is None else round(found.left),
        "best by validation": found.best or None,
        "checkpoints": [one.name for one in found.checkpoints],
        "samples": [one.name for one in (*found.pictures, *found.videos)],
        "damaged lines": history.skipped,
    }
    newest = [(curve.split, curve.name, int(curve.steps[-1]), curve.values[-1]) for curve in history.curves.values()]
    last = [(split, step, name, round(float(value), 5)) for split, name, step, value in sorted(newest)]
    tables = {"last scalars": Table(("split", "step", "scalar", "value"), last)}
    summary = Summary("run", str(place), facts, tables, found.signs, panels(history))
    if html is not None:
        _write_page(summary, found, html)
    return summary


def _origin(init: Any) -> str | None:
    """The weights that a run began from, as run.json keeps them."""
    return f"{init.get('name')} ({str(init.get('sha256'))[:12]})" if isinstance(init, dict) else None


def _write_page(summary: Summary, found: RunState, html: AnyPath) -> None:
    """The run's page, whole or not at all."""
    from viseme.report.figures import Line
    from viseme.report.media import Album
    from viseme.report.run_page import COLOURS, render_run
    from viseme.report.wording import shown

    lines = {
        panel.title: [
            Line(one.split, COLOURS.get(one.split, "system3"), one.steps.astype(float), one.values)
            for one in panel.curves
        ]
        for panel in summary.panels
    }
    facts = {name: shown(value) for name, value in summary.facts.items() if name not in ("samples", "done")}
    title = Path(summary.path).resolve().name
    pictures = found.pictures[:PICTURES_ON_PAGE]
    write_text(html, render_run(title, facts, summary.warnings, lines, pictures, found.videos, Album()))


def _model(place: Path) -> Summary:
    from viseme.config import parse_config
    from viseme.families import count_parameters
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
    from viseme.data.streams import streams
    from viseme.generation.credentials import credential_facts
    from viseme.generation.provenance import read_provenance

    facts = streams(place)
    made = read_provenance(place)
    facts["made by viseme"] = bool(made)
    told = {f"provenance {name}": value for name, value in made.items()}
    return Summary("video", str(place), {**facts, **told, **credential_facts(place)})

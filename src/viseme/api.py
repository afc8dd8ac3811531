"""The functions of the command line, under the same names, for use from Python.

Each is a thin composition of the parts; what is heavy (torch, dlib, PyAV, pyarrow) is imported on the first call that
needs it. Errors that a user can mend are `viseme.errors.VisemeError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from viseme.errors import InputError

if TYPE_CHECKING:
    from viseme.config import DdpmConfig, GanConfig
    from viseme.data.corpora.base import Corpus
    from viseme.data.fetch import Entry, Fetched
    from viseme.data.prepare import PrepareReport
    from viseme.data.store import Store
    from viseme.data.verify import Verification
    from viseme.demonstration import Demonstration
    from viseme.evaluation.results import Results
    from viseme.generation.export import ExportReport
    from viseme.generation.generate import Talk
    from viseme.generation.manifest import VideoManifest
    from viseme.inspection import Summary
    from viseme.machine import Machine
    from viseme.studies.plan import Plan
    from viseme.studies.run import Outcome
    from viseme.training.profile import Profile
    from viseme.training.trainer import TrainReport
    from viseme.types import Synthesizer
    from viseme.weights import Part

__all__ = [
    "Preset",
    "compare",
    "corpora",
    "demo",
    "doctor",
    "download",
    "evaluate",
    "export_store",
    "fetch_pretrained",
    "generate",
    "inspect",
    "load_config",
    "load_model",
    "merge_stores",
    "plan_download",
    "plan_study",
    "prepare",
    "presets",
    "pretrained",
    "profile",
    "study",
    "synthetic",
    "train",
    "verify_store",
]

AnyPath = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class Preset:
    """A configuration that comes with the package.

    Attributes:
        name: what `train` calls it.
        config: the whole of it.
        parameters: numbers that its generating network learns.
    """

    name: str
    config: DdpmConfig | GanConfig
    parameters: int


def corpora(name: str | None = None) -> list[Corpus]:
    """The corpora that `prepare` reads, or the one of that name. Raises `InputError` for an unknown name."""
    from viseme.data.corpora import CORPORA, corpus_named

    return [corpus_named(name)] if name is not None else [CORPORA[known] for known in sorted(CORPORA)]


def pretrained() -> list[tuple[Part, Path | None]]:
    """The pretrained parts that others made, each with where it lies; None where it is not here."""
    from viseme.weights import PARTS, here

    return [(part, here(part.name)) for part in PARTS.values()]


def fetch_pretrained(name: str, path: AnyPath | None = None) -> Path:
    """Bring a pretrained part here, by download or from a file, checked; returns where it lies.

    Pickled files are kept as safetensors (`viseme.weights`).

    Raises:
        InputError: an unknown part, no address that gives it, a download that fails, or another file than published.
        OutputError: the cache cannot be written.
    """
    from viseme.weights import fetch, take

    return fetch(name) if path is None else take(name, path)


def plan_download(
    corpus: str, *, url: str | None = None, only: Sequence[str] = (), actors: Sequence[str] = ()
) -> list[Entry]:
    """The files that `download` would bring, sorted by path. Raises as it does."""
    from viseme.data.sources import plan

    return plan(corpus, url, only, actors)[1]


def download(
    corpus: str,
    dest: AnyPath,
    *,
    url: str | None = None,
    only: Sequence[str] = (),
    actors: Sequence[str] = (),
    jobs: int = 4,
) -> Fetched:
    """Bring a corpus below `dest`, `jobs` files at a time, each checked by size and digest; what is here is kept.

    Args:
        corpus: `cremad`, `grid` or `ravdess`.
        dest: a folder, made if need be.
        url: a mirror's folder with `MANIFEST.sha256`, or for `cremad` a repository ending in `.git`; the makers' own
            where left out.
        only: shell patterns of paths; by default what `prepare` needs.
        actors: their names, if not all are wanted.
        jobs: files at a time.

    Raises:
        InputError: a corpus that is not offered, a list of files that cannot be had, or an empty choice. Files that
            fail by themselves are told in the result.
        OutputError: no room on the disk, or no right to write.
    """
    from viseme.data.fetch import fetch
    from viseme.data.sources import plan

    source, entries = plan(corpus, url, only, actors)
    return fetch(source, entries, Path(dest), jobs)


def synthetic(
    out: AnyPath,
    *,
    actors: int = 4,
    clips: int = 4,
    seed: int = 0,
    size: int = 256,
    layout: str | None = None,
    jobs: int | None = None,
) -> int:
    """Write a corpus of rendered talking faces with known truth; returns the number of clips in it.

    With `layout` (`cremad`, `grid`, `lrw`, `mead`, `ravdess`) they are written as that corpus ships its own, without
    the truth.
    """
    if layout is not None:
        from viseme.data.synthetic.fixtures import synthesize_layout

        return synthesize_layout(out, layout, actors, clips, seed=seed, size=size, jobs=jobs)
    from viseme.data.synthetic.make import synthesize_corpus

    return synthesize_corpus(out, actors, clips, seed=seed, size=size, jobs=jobs)


def prepare(
    corpus: str,
    src: AnyPath,
    store: AnyPath,
    *,
    size: int = 128,
    align: str = "clip",
    face: str = "largest",
    test_actors: Sequence[str] = (),
    val_actors: Sequence[str] = (),
    seed: int = 0,
    jobs: int | None = None,
    engine: str = "loky",
) -> PrepareReport:
    """Turn a folder of videos into a store of aligned clips, split by actor.

    Finished shards are kept, so that a second call carries on where the first stopped. The `jobs` workers are processes
    of this machine, or with the engine `ray` those of a cluster.
    """
    from viseme.data.prepare import prepare as run

    return run(
        corpus,
        src,
        store,
        size=size,
        align=align,
        face=face,
        test_actors=test_actors,
        val_actors=val_actors,
        seed=seed,
        jobs=jobs,
        engine=engine,
    )


def inspect(path: AnyPath, *, out: AnyPath | None = None, html: AnyPath | None = None) -> Summary:
    """What a store, a run, a model, a video, a folder of generated videos or a results file is and holds.

    `out` takes a picture (PNG) of a store's clips with their landmarks, `html` a page of a run's curves and samples.
    """
    from viseme.inspection import inspect as run

    return run(path, out, html)


def verify_store(store: AnyPath, *, sums: bool = False) -> Verification:
    """Read a whole store, a folder or a URL, and name all its faults.

    With `sums` the SHA-256 of its files is written beside them where there is none; later calls compare with it.
    """
    from viseme.data.verify import verify as run

    return run(store, sums=sums)


def merge_stores(stores: Sequence[AnyPath], out: AnyPath, *, prefix: bool = False) -> Store:
    """Write a store of all clips of several that have the same settings; splits stay as they are.

    `prefix` puts the corpus's name before clip ids and actors.
    """
    from viseme.data.merge import merge as run

    return run(stores, out, prefix=prefix)


def export_store(store: AnyPath, out: AnyPath, *, crf: int = 12, jobs: int | None = None) -> ExportReport:
    """Write a store's clips as MP4, WAV and landmarks, with tables that `prepare` of the corpus `folder` reads back.

    A second call carries on where the first stopped.
    """
    from viseme.generation.export import export as run

    return run(store, out, crf=crf, jobs=jobs)


def load_config(preset: AnyPath, overrides: Sequence[str] = ()) -> DdpmConfig | GanConfig:
    """The configuration of a preset or a YAML file after `a.b=value` overrides."""
    from viseme.config import load_config as load

    return load(fspath(preset), overrides)


def presets() -> list[Preset]:
    """What can be trained, with the size of each."""
    from viseme.config import load_config as load
    from viseme.config import preset_names
    from viseme.families import count_parameters

    configs = [(name, load(name)) for name in preset_names()]
    return [Preset(name, config, count_parameters(config)) for name, config in configs]


def train(
    preset: AnyPath,
    data: AnyPath,
    out: AnyPath,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    devices: int = 1,
    nodes: int = 1,
    strategy: Literal["auto", "ddp", "fsdp"] = "auto",
) -> TrainReport:
    """Train a preset (or a YAML file) on a store into a run folder.

    Where `training.init` names a model, the run begins from its weights. With `resume` a run that was stopped carries
    on exactly; otherwise the folder must not hold a run. On several devices the batch is shared by as many processes;
    where torchrun or SLURM has not started them, this does, and they import the calling script, which must therefore be
    importable (`if __name__ == "__main__":`).
    """
    from viseme.assembly import train as run
    from viseme.training.devices import Devices

    return run(preset, data, out, overrides=overrides, resume=resume, devices=Devices(devices, nodes, strategy))


def profile(preset: AnyPath, data: AnyPath, *, overrides: Sequence[str] = ()) -> Profile:
    """Where the time and the memory of a training step go on one device of this machine; nothing is written."""
    from viseme.assembly import profile as run

    return run(preset, data, overrides=overrides)


def load_model(
    model: AnyPath, *, overrides: Sequence[str] = (), data: AnyPath | None = None, size: int = 64
) -> Synthesizer:
    """A run folder, a weights file, a bundled model's name, or `control:NAME`, ready to make frames.

    A control reads the store `data` and makes frames of `size` pixels; a model has a size of its own.
    `control:blurred:LIKE`, LIKE being a results file or a folder of videos, blurs truth until it is as sharp as these.
    """
    from viseme.assembly import load_model as load

    return load(model, overrides=overrides, data=data, size=size)


def generate(
    model: AnyPath,
    *,
    out: AnyPath,
    image: AnyPath | None = None,
    audio: AnyPath | None = None,
    data: AnyPath | None = None,
    split: str = "test",
    landmarks: AnyPath | None = None,
    shuffle_audio: int | None = None,
    limit: int | None = None,
    batch_size: int = 8,
    overrides: Sequence[str] = (),
    size: int = 64,
    seed: int = 0,
) -> Talk | VideoManifest:
    """One video of a photo and a voice, or a folder of videos of every clip of a store's split.

    Either `image` and `audio` are given, or `data`. A model that is driven by landmarks takes them from `landmarks`:
    `"sound"` (the default where it has a regressor), a file of points or a driving video for a photo, `"truth"` (the
    default without a regressor) for `data`.
    """
    if data is not None:
        from viseme.data.store import Store
        from viseme.generation.generate import generate_split

        return generate_split(
            load_model(model, overrides=overrides, data=data, size=size),
            Store.open(data),
            out,
            split=split,
            seed=seed,
            batch_size=batch_size,
            shuffle_audio=shuffle_audio,
            limit=limit,
            landmarks=landmarks,
        )
    if image is None or audio is None:
        raise InputError("generate: give a photo and a sound file, or a store")
    from viseme.generation.generate import generate_talk

    return generate_talk(load_model(model, overrides=overrides), image, audio, out, seed=seed, landmarks=landmarks)


def evaluate(
    videos: AnyPath,
    reference: AnyPath,
    out: AnyPath,
    *,
    metrics: Sequence[str] | None = None,
    jobs: int | None = None,
    seed: int = 0,
    resample: bool = False,
    fvd_backbone: AnyPath | None = None,
    engine: str = "loky",
) -> Results:
    """Score a folder of videos against a store, a folder of true videos, or a CSV of `candidate,reference[,actor]`.

    Writes `out` (JSON) and strips beside it. Videos of other rates than 25 frames a second, or of another size than
    truth's, are refused unless `resample` is set. `fvd_backbone` is a file with the weights of I3D.
    """
    from viseme.evaluation.evaluate import evaluate as run

    return run(
        videos,
        reference,
        out,
        metrics=metrics,
        jobs=jobs,
        seed=seed,
        resample=resample,
        fvd_backbone=fvd_backbone,
        engine=engine,
    )


def compare(results: Mapping[str, AnyPath], out: AnyPath) -> Path:
    """Write one HTML report (and tables) of several results under the names given; returns its path."""
    from viseme.report.compare import compare as run

    return run(results, out)


def plan_study(name: str, data: AnyPath, *, scale: str = "tiny", seed: int = 0, overrides: Sequence[str] = ()) -> Plan:
    """What `study` would do, step by step."""
    from viseme.studies.catalogue import study_plan

    return study_plan(name, data, scale=scale, seed=seed, overrides=overrides)


def study(
    name: str,
    data: AnyPath,
    out: AnyPath,
    *,
    scale: str = "tiny",
    seed: int = 0,
    overrides: Sequence[str] = (),
    jobs: int = 1,
    tell: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Run a study of `viseme.studies` on a store into a folder with a page, drawings and tables.

    Stopped anywhere, the same call goes on. A step that fails is named in what is returned; what does not need it is
    done. `overrides` go to every trained configuration, `tell` is given a line for each step.
    """
    from viseme.studies.run import run

    return run(plan_study(name, data, scale=scale, seed=seed, overrides=overrides), Path(out), jobs=jobs, tell=tell)


def doctor() -> Machine:
    """What this machine has of what viseme needs."""
    from viseme.machine import look

    return look()


def demo(out: AnyPath = "out/demo") -> Demonstration:
    """Both bundled models on a portrait and a voice, and a scored comparison on four synthetic clips."""
    from viseme.demonstration import demonstrate

    return demonstrate(out)

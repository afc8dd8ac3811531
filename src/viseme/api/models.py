"""Models: presets and pretrained parts, training, and videos made by what was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from viseme.errors import InputError
from viseme.files import AnyPath

if TYPE_CHECKING:
    from viseme.config import DdpmConfig, GanConfig
    from viseme.generation.generate import Talk
    from viseme.generation.manifest import VideoManifest
    from viseme.training.profile import Profile
    from viseme.training.trainer import TrainReport
    from viseme.types import Synthesizer
    from viseme.weights import Part


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


def presets() -> list[Preset]:
    """What can be trained, with the size of each."""
    from viseme.config import load_config as load
    from viseme.config import preset_names
    from viseme.families import count_parameters

    configs = [(name, load(name)) for name in preset_names()]
    return [Preset(name, config, count_parameters(config)) for name, config in configs]


def load_config(preset: AnyPath, overrides: Sequence[str] = ()) -> DdpmConfig | GanConfig:
    """The configuration of a preset or a YAML file after `a.b=value` overrides."""
    from viseme.config import load_config as load

    return load(fspath(preset), overrides)


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

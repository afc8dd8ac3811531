"""`viseme demo`: two bundled models on a portrait and a voice, then scored with their controls on four rendered clips.

Everything lies in one folder and every step keeps what an earlier call finished, unless viseme, a bundled model or the
voice have changed since: then what the demo made is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from viseme import __version__
from viseme.data.prepare import prepare
from viseme.data.store import Store
from viseme.data.synthetic.make import synthesize_corpus
from viseme.errors import InputError, OutputError
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.results import Results, load
from viseme.families import ModelSynthesizer, load_synthesizer, model_path
from viseme.files import sha256, write_json
from viseme.generation.controls import control
from viseme.generation.generate import generate_split, generate_talk
from viseme.generation.manifest import VideoManifest
from viseme.report.compare import compare
from viseme.types import Synthesizer, UInt8

MODELS = {"gan": "talk_gan", "ddpm": "talk_ddpm_fast"}
"""What the demo calls the bundled models, and their names."""
CONTROLS = ("frozen", "reencoded")
ACTORS, CLIPS = 2, 2
FILM: Mapping[str, Any] = {"size": 256, "seconds": (1.6, 2.6)}
"""How the clips are rendered: pixels, and shortest and longest."""
SEED = 7
_MADE = ("corpus", "store", "videos", "results", "report")


@dataclass(frozen=True, slots=True)
class Speed:
    """How quickly frames were made, encoding not counted."""

    frames: int
    seconds: float

    @property
    def frames_per_second(self) -> float:
        """The photo itself is not made and does not count."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demo made.

    Attributes:
        out: the folder of everything.
        talks: short name of a model -> the video of portrait and voice.
        speeds: short name of a model -> its speed on that video, one clip at a time.
        results: system -> its scores on the synthetic clips.
        report: the page that compares them.
        seconds: what this call took.
    """

    out: Path
    talks: Mapping[str, Path]
    speeds: Mapping[str, Speed]
    results: Mapping[str, Results]
    report: Path
    seconds: float


def demonstrate(out: str | os.PathLike[str]) -> Demonstration:
    """Run the demo into a folder; a second call carries on or finds everything done.

    Raises:
        ModelError: a bundled model is not here.
        OutputError: the folder holds something else, or cannot be written.
    """
    start, folder = time.monotonic(), Path(out)
    weights = {short: sha256(model_path(name)) for short, name in MODELS.items()}
    _begin(folder, {"viseme": __version__, "voice": sha256(voice()), **weights})
    models = {short: load_synthesizer(name) for short, name in MODELS.items()}
    image = portrait(folder / "portrait.png")
    speeds = {short: _talk(model, image, folder / f"talk_{short}.mp4") for short, model in models.items()}
    store = _store(folder)
    results = dict(_scored(folder, store, models))
    report = compare({name: folder / "results" / f"{_slug(name)}.json" for name in results}, folder / "report").page
    talks = {short: folder / f"talk_{short}.mp4" for short in models}
    return Demonstration(folder, talks, speeds, results, report, time.monotonic() - start)


def voice() -> Path:
    """The synthetic voice that comes with the package: mono FLAC at 16 kHz."""
    return Path(str(resources.files("viseme") / "bundled" / "voice.flac"))


def _begin(folder: Path, made_by: Mapping[str, str]) -> None:
    """Make the folder, or clear from it what a demo of other parts made. Nothing else in it is touched."""
    stamp = folder / "demo.json"
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; give a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not stamp.is_file():
        raise OutputError(f"{folder}: is not empty and holds no demo; give another folder with --out")
    if stamp.is_file():
        try:
            same = json.loads(stamp.read_text(encoding="utf-8")) == dict(made_by)
        except ValueError:
            same = False
        if same:
            return
        for name in _MADE:
            shutil.rmtree(folder / name, ignore_errors=True)
        for short in MODELS:
            (folder / f"talk_{short}.mp4").unlink(missing_ok=True)
            (folder / f"talk_{short}.json").unlink(missing_ok=True)
    write_json(stamp, dict(made_by))


def portrait(path: Path) -> Path:
    """NASA's public-domain portrait of an astronaut, which scikit-image brings, as a PNG."""
    if not path.is_file():
        from PIL import Image
        from skimage import data

        from viseme.files import written_aside

        with written_aside(path) as aside:
            pixels: UInt8 = data.astronaut()  # type: ignore[no-untyped-call]
            Image.fromarray(pixels).save(aside)
    return path


def _talk(model: Synthesizer, image: Path, out: Path) -> Speed:
    """The portrait says the voice's words; the speed is kept beside the video."""
    kept = out.with_suffix(".json")
    if out.is_file() and kept.is_file():
        return Speed(**json.loads(kept.read_text(encoding="utf-8")))
    talk = generate_talk(model, image, voice(), out, seed=SEED)
    write_json(kept, {"frames": talk.frames, "seconds": round(talk.seconds, 3)})
    return Speed(talk.frames, talk.seconds)


def _store(folder: Path) -> Store:
    """Four rendered clips of two actors, all held out."""
    synthesize_corpus(folder / "corpus", ACTORS, CLIPS, seed=SEED, **FILM)
    actors = sorted(path.name for path in (folder / "corpus").iterdir() if path.is_dir())
    prepare("synthetic", folder / "corpus", folder / "store", test_actors=actors)
    return Store.open(folder / "store")


def _scored(folder: Path, store: Store, models: Mapping[str, ModelSynthesizer]) -> Iterator[tuple[str, Results]]:
    """Each system's videos of the four clips and their scores: the models, then with other sound, then the controls."""
    systems: list[tuple[str, Synthesizer, int | None]] = [(short, model, None) for short, model in models.items()]
    systems += [(f"{short}, shuffled audio", model, SEED) for short, model in models.items()]
    size = next(iter(models.values())).size
    systems += [(name, control(name, store, size), None) for name in CONTROLS]
    for name, synthesizer, shuffle in systems:
        videos, results = folder / "videos" / _slug(name), folder / "results" / f"{_slug(name)}.json"
        manifest = generate_split(synthesizer, store, videos, seed=SEED, shuffle_audio=shuffle)
        known = _load(results, manifest)
        yield name, known or evaluate(videos, folder / "store", results)


def _load(path: Path, manifest: VideoManifest) -> Results | None:
    """Results of an earlier call, where they are of these videos."""
    try:
        results = load(path)
    except InputError:
        return None
    same = results.reference.get("fingerprint") == manifest.reference.fingerprint
    return results if same and results.counts.get("clips") == manifest.total else None


def _slug(name: str) -> str:
    return name.replace(", ", "_").replace(" ", "_")

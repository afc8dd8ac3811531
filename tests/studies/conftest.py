"""Calls that cost nothing, in a module that worker processes find too, and plans of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from viseme.evaluation.results import ClipResult, Results, save
from viseme.evaluation.summary import summarise
from viseme.studies.plan import Given, Plan, Step

CALLS = '''
import json, os, time
from pathlib import Path
from viseme.errors import InputError

def write(out, text="", source=None):
    """Counts its calls in `made`, beside."""
    place = Path(out)
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.parent / "made", "a") as log:
        log.write(place.name + " ")
    place.write_text(text + (Path(source).read_text() if source else ""))

def folder(out):
    Path(out).mkdir(parents=True, exist_ok=True)
    (Path(out) / "begun").write_text("")
    (Path(out) / "done").write_text("x" * 10)

def fail(out):
    raise InputError("nothing to see; give something else")

def crash(out):
    raise ValueError("broken\\nin two lines")

def die(out):
    os._exit(9)

def nothing(out):
    pass

def wait(out):
    place = Path(out)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".pid").write_text(str(os.getpid()))
    if not place.with_suffix(".quick").exists():
        time.sleep(60)
    place.write_text("woken")

def meet(out, other, source=None):
    place = Path(out)
    place.with_suffix(".here").write_text("")
    ends = time.monotonic() + 10
    while not place.with_name(other + ".here").exists():
        if time.monotonic() > ends:
            raise InputError("nobody came")
        time.sleep(0.02)
    place.write_text("met")

def threads(out):
    Path(out).write_text(os.environ.get("OMP_NUM_THREADS", ""))

def told(out, parts, missing):
    Path(out).write_text(json.dumps(missing))

def gather(out, parts):
    Path(out).write_text(",".join(f"{name}={Path(path).read_text()}" for name, path in parts.items()))
'''


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module `study_calls`."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "study_calls.py").write_text(CALLS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(__import__("sys").modules, "study_calls", raising=False)
    return folder


Planned = Callable[..., Plan]


@pytest.fixture
def planned(calls: Path) -> Planned:
    """Make a plan of steps `(name, call, arguments)`; each makes `NAME.txt`."""

    def make(*steps: tuple[str, str, dict[str, object]], fingerprint: str = "f", scale: str = "toy") -> Plan:
        made = tuple(
            Step(name, f"study_calls.{call}", f"{name}.txt", arguments, gathers=call == "gather")
            for name, call, arguments in steps
        )
        return Plan("try", {"scale": scale}, {"data": Given(str(calls), fingerprint)}, made)

    return make


@pytest.fixture
def made_up() -> Callable[..., str]:
    """Writes a results file of eight clips of two actors: each metric's mean, with a little noise that sums to 0."""

    def write(path: Path, means: dict[str, float], truth: dict[str, float], frames: int, **more: object) -> str:
        noise = np.random.default_rng(list(path.stem.encode())).normal(0, 0.01, (8, len(means)))
        noise -= noise.mean(axis=0)
        clips = [
            ClipResult(
                *(f"c{i}", f"a{i % 2}", f"c{i}.mp4", frames, "scored"),
                values={name: mean + noise[i, m] for m, (name, mean) in enumerate(means.items())},
                truth=dict(truth),
                **more,  # type: ignore[arg-type]
            )
            for i in range(8)
        ]
        about = {"name": path.stem}, {"fingerprint": "f"}, {}, {}, []
        save(Results(*about, summarise(clips, list(means), 0), clips), path)  # type: ignore[arg-type]
        return str(path)

    return write


@pytest.fixture
def videos(tmp_path: Path) -> Callable[[str, float], str]:
    """Writes a manifest of two clips of eleven frames made in so many seconds each, and gives its folder."""

    def write(name: str, seconds: float) -> str:
        folder = tmp_path / "videos" / name
        folder.mkdir(parents=True)
        system = {"name": name, "model": "m", "model_sha256": None, "version": "0", "control": None, "seed": 0,
                  "shuffled_audio": None, "leaking": False, "size": 32, "fps": 25, "crf": 12}  # fmt: skip
        rows = [
            {"clip_id": clip, "actor": "a", "file": f"{clip}.mp4", "frames": 11, "status": status, "reason": "",
             "audio_from": clip, "batch": 0, "seconds": took}
            for clip, status, took in (("x", "ok", seconds), ("y", "ok", seconds), ("z", "failed", 0.0))
        ]  # fmt: skip
        said = {"schema": 1, "system": system, "reference": {"store": "s", "fingerprint": "f", "split": "val"},
                "batch_size": 8, "total": 3, "clips": rows}  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(said))
        return str(folder)

    return write

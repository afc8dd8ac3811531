"""Made-up results that look like real ones: mouths that follow truth more or less well, failures, missing numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viseme.evaluation.bootstrap import interval
from viseme.evaluation.metrics import METRICS, SET_METRICS
from viseme.evaluation.results import ClipResult, MetricResult, Results, SetResult, save

MP4 = b"\0\0\0\x18ftypisom" + bytes(range(64))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


@dataclass
class Fake:
    """What one system's made-up results shall be like; `shift` is added to the values of the metrics it names."""

    name: str = "gan"
    follows: float = 0.6
    shift: dict[str, float] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    actors: int = 2
    clips: int = 6
    frames: int = 50
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=lambda: list(LEVELS))
    sets: dict[str, tuple[float, float | None, int]] = field(default_factory=dict)
    media: bool = True
    emotions: tuple[str, ...] = ()
    seed: int = 0


LEVELS = {
    "psnr": (28.2, None), "ssim": (0.861, None), "lmd": (3.4, None), "mouth_lmd": (4.8, None),
    "mouth_correlation": (0.0, None), "mouth_correlation_raw": (0.12, None), "mean_curve_raw": (0.62, None),
    "opening_spread": (0.73, 1.0), "csim": (0.81, 0.93), "ofm": (0.41, 0.53), "f_mse": (37.0, 54.4),
    "brightness": (121.0, 122.4), "sharpness": (212.0, 301.0), "brightness_drift": (1.3, 0.1),
    "sharpness_drift": (-2.1, 0.3), "identity_drift": (-0.021, -0.004),
}  # fmt: skip


def smooth(rng: np.random.Generator, frames: int) -> np.ndarray:
    """A curve with the rhythm of speech, standard deviation 1."""
    curve = np.convolve(rng.standard_normal(frames + 8), np.hanning(9), "valid")[:frames]
    return (curve - curve.mean()) / curve.std()


def results_of(fake: Fake) -> Results:
    """The results themselves. Truth and a clip's difficulty depend on its number alone: systems can be paired."""
    rng = np.random.default_rng([fake.seed, *fake.name.encode()])
    clips = []
    for number in range(fake.actors * fake.clips):
        actor = f"s{number % fake.actors + 1}"
        clip_id = f"{actor}_{number:03d}"
        emotion = fake.emotions[number // fake.actors % len(fake.emotions)] if fake.emotions else ""
        if clip_id in fake.failed:
            reason = fake.failed[clip_id]
            clips.append(ClipResult(clip_id, actor, None, 0, "failed", reason, emotion=emotion))
            continue
        shared = np.random.default_rng([99, number])
        truth, hard = smooth(shared, fake.frames), shared.normal(0, 0.12)
        r = float(np.clip(fake.follows + hard + rng.normal(0, 0.03), -1, 1))
        own = r * truth + np.sqrt(1 - r * r) * smooth(rng, fake.frames)
        values, true = {}, {}
        for name in fake.metrics:
            level, target = LEVELS[name]
            spread = 0.04 * abs(level)
            values[name] = level + fake.shift.get(name, 0.0) + spread * hard / 0.12 + float(rng.normal(0, 0.3 * spread))
            if name.startswith("mouth_correlation"):
                values[name] = r + level
            if target is not None:
                true[name] = target
        missing = fake.missing.get(clip_id, {})
        values = {name: value for name, value in values.items() if name not in missing}
        time = np.arange(fake.frames)
        curves = {
            "opening": (0.07 + 0.02 * own).clip(0), "opening_truth": (0.07 + 0.028 * truth).clip(0),
            "brightness": 121 + fake.shift.get("brightness", 0.0) + 0.03 * time + 0.3 * smooth(rng, fake.frames),
            "brightness_truth": 122 + 0.3 * smooth(shared, fake.frames),
            "sharpness": 212 - 0.4 * time + 3 * smooth(rng, fake.frames),
            "sharpness_truth": 301 + 3 * smooth(shared, fake.frames),
            "identity": 0.85 - 0.002 * time[::5] + 0.01 * smooth(rng, len(time[::5])),
            "identity_truth": 0.94 + 0.005 * smooth(shared, len(time[::5])),
        }  # fmt: skip
        rounded = {name: [round(float(v), 5) for v in curve] for name, curve in curves.items()}
        video, strip = f"{fake.name}/{clip_id}.mp4", f"{fake.name}_strips/{clip_id}.png"
        found = {"candidate": 0, "truth": 0}
        scores = (values, true, missing, rounded, found, strip)
        clips.append(ClipResult(clip_id, actor, video, fake.frames, "scored", "", *scores, emotion=emotion))
    clips.sort(key=lambda clip: clip.clip_id)
    scored = [clip for clip in clips if clip.status == "scored"]
    return Results(
        system={
            "name": fake.name, "model": f"tiny_{fake.name}", "model_sha256": (fake.name.encode().hex() + "0" * 64)[:64],
            "version": "0.1.0", "control": None, "shuffled_audio": None, "leaking": False, "size": 64, "fps": 25,
            "crf": 12, "seed": 0, "sampling": {}, **fake.system,
        },
        reference={
            "store": "grid128", "fingerprint": "ab" * 32, "split": "test",
            "actors": sorted({clip.actor for clip in clips}), **fake.reference,
        },
        provenance={
            "viseme": "0.1.0", "python": "3.11.9", "torch": "2.14.0", "opencv": "4.12.0", "dlib": "20.0.0",
            "machine": "Linux x86_64, 2 cores", "command": f"viseme evaluate {fake.name}", "seed": 0,
            "created": "2025-01-02T03:04:05+00:00", **fake.provenance,
        },
        counts={
            "clips": len(clips), "scored": len(scored), "failed": len(clips) - len(scored),
            "frames": sum(clip.frames for clip in scored), "undetected": {"candidate": 0, "truth": 0},
        },
        notes=fake.notes,
        metrics={name: found for name in fake.metrics if (found := summarised(scored, name))},
        clips=clips,
        sets={name: set_of(name, *numbers) for name, numbers in fake.sets.items()},
    )  # fmt: skip


def set_of(name: str, value: float, truth: float | None, n: int) -> SetResult:
    """A number of all clips together."""
    metric, of = SET_METRICS[name], "clips" if name == "av_lag_pooled" else "frames"
    return SetResult(metric.title, metric.unit, metric.better, metric.digits, value, truth, n, of)


def summarised(clips: list[ClipResult], name: str) -> MetricResult | None:
    """A metric's row, as evaluation makes it."""
    having = [clip for clip in clips if name in clip.values]
    if not having:
        return None
    rng = np.random.default_rng(0)
    found = interval([clip.values[name] for clip in having], [clip.actor for clip in having], rng)
    truth = [clip.truth[name] for clip in having if name in clip.truth]
    metric = METRICS[name]
    return MetricResult(
        metric.title, metric.unit, metric.better, metric.digits, found.mean, found.low, found.high, found.n,
        float(np.mean(truth)) if truth else None, found.by_actor,
    )  # fmt: skip


def write_results(folder: Path, fake: Fake) -> Path:
    """Write the results file with placeholder videos and strips beside it."""
    results = results_of(fake)
    path = folder / f"{fake.name}.json"
    save(results, path)
    for clip in results.clips if fake.media else []:
        for relative, data in ((clip.video, MP4), (clip.strip, PNG)):
            if relative:
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                (folder / relative).write_bytes(data)
    return path


@pytest.fixture(scope="session")
def fake() -> type[Fake]:
    """What results can be asked for."""
    return Fake


@pytest.fixture(scope="session")
def write() -> Callable[[Path, Fake], Path]:
    """Write made-up results into a folder and return the file."""
    return write_results


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write made-up results of the given kind into a temporary folder and return the file."""
    return lambda **kind: write_results(tmp_path, Fake(**kind))


@pytest.fixture
def made() -> Callable[..., Results]:
    """Made-up results of the given kind."""
    return lambda **kind: results_of(Fake(**kind))

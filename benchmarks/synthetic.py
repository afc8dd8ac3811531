"""How fast and how true the synthetic corpus is, through its files: frames a second against H.264, and dlib's opinion.

    python benchmarks/synthetic.py --actors 24 [--sheet docs/images/synthetic.png]

The limit of speed is what the encoder alone needs for the same frames; the peer of the truth is dlib, which sees only
the decoded films.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from viseme.data.audio import read_audio
from viseme.data.faces import EYE_CORNERS, INNER_LIPS, default_backend
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.film import write_film
from viseme.data.synthetic.make import synthesize_corpus
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.phonemes import PHONEMES, SHAPE
from viseme.data.video import read_video


def opening(points: np.ndarray) -> np.ndarray:
    """Mouth opening of points `[T,68,2]`, not smoothed."""
    gaps = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in INNER_LIPS], axis=0)
    return gaps / np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=1)


def judge(film: Path) -> tuple[int, int, float, np.ndarray]:
    """Frames, frames with a face, r of the openings, and each point's mean error in eye distances, `[68]`."""
    backend = default_backend()
    frames = read_video(film)
    with np.load(film.with_suffix(".npz"), allow_pickle=False) as truth:
        points = truth["landmarks"]
        true_opening = truth["opening"]
    seen, kept = [], []
    for number, frame in enumerate(frames):
        boxes = backend.detect(frame)
        if boxes:
            seen.append(backend.landmarks(frame, boxes[0]))
            kept.append(number)
    found, truth_found = np.stack(seen), points[kept]
    eyes = np.linalg.norm(truth_found[:, 36] - truth_found[:, 45], axis=1)
    error = np.linalg.norm(found - truth_found, axis=2) / eyes[:, None]
    r = float(np.corrcoef(opening(found), true_opening[kept])[0, 1])
    return len(frames), len(kept), r, error.mean(axis=0)


def sheet(path: Path, rows: int = 4) -> None:
    """A contact sheet: two actors a row, each at rest and saying /a/, /i/ and /u/."""
    mouths = ("M", "AA", "IY", "UW")
    poses = (Pose(), Pose(yaw=0.08, x=0.03), Pose(yaw=-0.08, roll=0.03), Pose(pitch=0.04))
    strips = []
    for number in range(2 * rows):
        renderer = Renderer(draw_actor(np.random.default_rng([0, number + 1])), 128)
        row = []
        for label, pose in zip(mouths, poses, strict=True):
            shape = (max(0.0, value) for value in PHONEMES[label].shape)
            row.append(renderer.frame(dict(zip(SHAPE, shape, strict=True)), pose))
        strips.append(np.concatenate(row, axis=1))
    halves = [np.concatenate(strips[half::2]) for half in (0, 1)]
    picture = cv2.cvtColor(np.concatenate(halves, axis=1), cv2.COLOR_RGB2BGR)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), _few_colours(picture), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _few_colours(picture: np.ndarray) -> np.ndarray:
    """Fewer shades, so that the PNG stays small."""
    return (picture >> 2 << 2) + 2


def main() -> None:
    """Make a corpus in a temporary folder and judge it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actors", type=int, default=24)
    parser.add_argument("--clips", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.sheet:
        sheet(options.sheet)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        start, busy = time.perf_counter(), time.process_time()
        synthesize_corpus(corpus, options.actors, options.clips, seed=options.seed, jobs=1)
        wall, cpu = time.perf_counter() - start, time.process_time() - busy
        films = sorted(corpus.rglob("*.mp4"))
        results = [judge(film) for film in films]
        encoding = 0.0
        for film in films[:8]:
            frames, sound = read_video(film), read_audio(film)
            start = time.process_time()
            write_film(Path(folder) / "again.mp4", frames, frames.shape[1], sound)
            encoding += (time.process_time() - start) / len(frames)
        encoding /= min(8, len(films))
    frames, found = sum(r[0] for r in results), sum(r[1] for r in results)
    correlations = [r[2] for r in results]
    print(f"{len(films)} clips of {options.actors} actors, {frames} frames of 256 x 256")
    print(f"made: {frames / wall:.0f} frames/s by the clock, {frames / cpu:.0f} frames/s of one core")
    print(f"encoding alone: {1 / encoding:.0f} frames/s; all of it takes {cpu / frames / encoding:.1f} times as long")
    worst = min(r[1] / r[0] for r in results)
    print(f"dlib finds a face in {100 * found / frames:.2f} % of frames, in the worst clip in {100 * worst:.0f} %")
    print(f"r of dlib's opening with truth: mean {np.mean(correlations):.3f}, lowest {min(correlations):.3f}")
    error = 100 * np.mean([r[3] for r in results], axis=0)
    print(f"from dlib's points: {error.mean():.1f} % of the eye distance, the mouth's {error[48:].mean():.1f} %")


if __name__ == "__main__":
    main()

"""How fast `viseme evaluate` is, against the same metrics as one plain script each, and against dlib's share alone.

    python benchmarks/evaluate.py                                             # clips of the synthetic corpus
    python benchmarks/evaluate.py --clips 100 --plain-clips 5
    python benchmarks/evaluate.py --store STORE --clips 30 --size 64

The candidate is truth through a lossy encoder. The command runs twice: with nothing cached, and with what it keeps of
truth in the cache. The scripts of `plain_metrics.py` run one after the other on the first few clips; their time is
scaled linearly to all, start and set-up counted once. Memory is that of all the command's processes together: the sum
of their proportional set sizes, sampled every 0.2 seconds. dlib's share is processor time of one process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
from plain_metrics import SCRIPTS

import viseme
from viseme.data.faces import default_backend
from viseme.data.manifest import ClipRow
from viseme.data.store import Store
from viseme.data.synthetic.make import synthesize_corpus
from viseme.data.track import scored_landmarks
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.features import describe
from viseme.evaluation.identity import EVERY
from viseme.evaluation.videos import read_candidate
from viseme.generation.writer import CRF, VideoWriter
from viseme.types import FPS

FRAMES = 75
TRAIN_ACTORS = 3
LOSSLESS = 1


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, seconds of processor time of all processes, and MiB that they held at most together."""

    wall: float
    cpu: float
    peak: float = 0.0
    said: str = ""


def synthetic_store(folder: Path, count: int, size: int) -> Path:
    """A store with at least `count` test clips of 75 frames, up to ten an actor, and three actors to train on."""
    each = min(10, count)
    test = -(-count // each)
    names = [f"a{number:03d}" for number in range(TRAIN_ACTORS + 1, TRAIN_ACTORS + 1 + test)]
    length = FRAMES / FPS
    synthesize_corpus(folder / "corpus", TRAIN_ACTORS + 1 + test, each, size=2 * size, seconds=(length, length))
    viseme.prepare("synthetic", folder / "corpus", folder / "store", size=size, test_actors=names, val_actors=["a000"])
    return folder / "store"


def write_videos(store: Store, rows: list[ClipRow], size: int, folder: Path, crf: int) -> list[Path]:
    """The clips as videos with sound."""
    folder.mkdir()
    for row in rows:
        clip = store.clip(row.clip_id, size)
        with VideoWriter(folder / f"{row.clip_id}.mp4", size, clip.audio, metadata={}, crf=crf) as writer:
            for frame in clip.frames:
                writer.write(frame)
    return [folder / f"{row.clip_id}.mp4" for row in rows]


def held(group: int) -> float:
    """MiB of the processes of a group: proportional set sizes, so that shared pages count once."""
    total = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.getpgid(int(process.name)) == group:
                lines = (process / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):  # it has just ended
            continue
    return total / 1024


def run(command: list[str], cache: Path) -> Cost:
    """The cost of a command in a process group of its own."""
    before, begun, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0.0
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0, env=environment)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.2):
            peak = max(peak, held(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    wall = time.perf_counter() - begun
    ended.set()
    watcher.join()
    if process.returncode not in (0, 1):  # 1: test clips beyond those asked for have no video
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, peak, said)


def plain(name: str, pairs: Path, measured: int, count: int, cache: Path) -> Cost:
    """One script on `measured` clips, scaled to `count`."""
    cost = run([sys.executable, str(Path(__file__).with_name("plain_metrics.py")), name, str(pairs)], cache)
    laps = json.loads(cost.said)[:measured]
    later = laps[1:] or laps  # the first has the set-up in it
    wall, cpu = (sum(lap[clock] for lap in later) / len(later) for clock in (0, 1))
    return Cost(cost.wall + (count - measured) * wall, cost.cpu + (count - measured) * cpu)


def against_plain(store: Store, rows: list[ClipRow], given: argparse.Namespace, folder: Path) -> None:
    """The command twice, then every script."""
    ours = write_videos(store, rows, given.size, folder / "videos", CRF)
    few = min(given.plain_clips, len(rows))
    true = write_videos(store, rows[:few], given.size, folder / "truth", LOSSLESS)
    command = [sys.executable, "-m", "viseme", "evaluate", str(folder / "videos"), "--reference", str(store.path)]
    command += ["--jobs", str(given.jobs)]
    frames = sum(row.frames - 1 for row in rows)
    print(f"{len(rows)} clips, {frames} scored frames of {given.size} pixels, {given.jobs} jobs")
    print(f"{'':34}{'wall, s':>9}{'CPU, s':>9}{'ms a frame':>12}{'peak, MiB':>11}")
    costs = []
    for title in ("evaluate, nothing cached", "evaluate, truth cached"):
        out = folder / f"{len(costs)}.json"
        cost = run([*command, "--out", str(out)], folder / "cache")
        assert json.loads(out.read_text(encoding="utf-8"))["counts"]["scored"] == len(rows)
        print(f"{title:34}{cost.wall:9.1f}{cost.cpu:9.1f}{1000 * cost.cpu / frames:12.1f}{cost.peak:11.0f}", flush=True)
        costs.append(cost)
    pairs = folder / "pairs.json"
    paths = [[str(a), str(b)] for a, b in zip(ours[:few], true, strict=True)]
    pairs.write_text(json.dumps({"store": str(store.path), "pairs": paths}), encoding="utf-8")
    wall = cpu = 0.0
    for name in SCRIPTS:
        cost = plain(name, pairs, few, len(rows), folder / "plain_cache")
        print(f"plain {name:28}{cost.wall:9.1f}{cost.cpu:9.1f}{1000 * cost.cpu / frames:12.1f}", flush=True)
        wall, cpu = wall + cost.wall, cpu + cost.cpu
    how = f"scaled linearly from {few} clips" if few < len(rows) else "measured on all clips"
    print(f"{'plain scripts together':34}{wall:9.1f}{cpu:9.1f}{1000 * cpu / frames:12.1f}  ({how})")
    for title, cost in zip(("nothing cached", "truth cached"), costs, strict=True):
        print(
            f"evaluate, {title}: {wall / cost.wall:.1f} times as fast, {cpu / cost.cpu:.1f} times less processor time"
        )


def against_dlib(store: Store, rows: list[ClipRow], given: argparse.Namespace, folder: Path) -> None:
    """Evaluation with truth cached, in this process, beside dlib's work on the same candidates."""
    videos, backend = folder / "few", default_backend()
    write_videos(store, rows, given.size, videos, CRF)

    def scoring() -> None:
        evaluate(videos, store.path, folder / "few.json", jobs=1)

    def dlib_alone() -> None:
        for row in rows:
            candidate = read_candidate(videos / f"{row.clip_id}.mp4", row.frames, given.size)[1:]
            track = scored_landmarks(candidate, backend)
            describe(candidate[::EVERY], track.landmarks[::EVERY], backend)

    seconds = []
    for work in (scoring, scoring, dlib_alone):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    frames = sum(row.frames - 1 for row in rows)
    print(f"in one process, truth cached      {1000 * seconds[1] / frames:6.1f} ms a frame")
    print(f"dlib alone                        {1000 * seconds[2] / frames:6.1f} ms a frame")
    print(f"evaluate, truth cached, needs {seconds[1] / seconds[2]:.2f} times what dlib alone does")


def main() -> None:
    """Run both on the store given, or on one made of the synthetic corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--plain-clips", type=int, default=2)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "own_cache")
        store = Store.open(given.store or synthetic_store(folder, given.clips, given.size))
        rows = store.clips("test")[: given.clips]
        against_plain(store, rows, given, folder)
        against_dlib(store, rows[: given.plain_clips], given, folder)


if __name__ == "__main__":
    main()

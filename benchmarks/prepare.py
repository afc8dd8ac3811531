"""How fast `viseme prepare` is, against the plain way (detector and landmarks on every frame, one process).

    python benchmarks/prepare.py                                  # clips made from a public-domain portrait
    python benchmarks/prepare.py --corpus grid --source DIR --clips 64

Prints frames a second, processor milliseconds a frame and the peak memory of one process, for the plain way and for
prepare with one and two processes, then prepare again on half as many clips, to show that memory does not grow; and
on these, how far prepare's landmarks, in pixels of the source, lie from the plain way's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def make_clips(folder: Path, count: int, seconds: float = 3.0) -> None:
    """Clips of 360x288 in which a portrait sways, with a tone, as Matroska files with H.264 and PCM."""
    import av
    from skimage import data

    from viseme.data.align import warp

    portrait = np.ascontiguousarray(data.astronaut())
    frames = round(seconds * 25)
    tone = (8000 * np.sin(np.arange(640 * frames) / 10)).astype(np.int16)[None]
    for number in range(count):
        path = folder / f"a{number % 4}" / f"{number:04d}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            video = container.add_stream("libx264", rate=25, options={"threads": "1", "preset": "veryfast"})
            video.height, video.width, video.pix_fmt = 288, 360, "yuv420p"
            sound = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
            for t in range(frames):
                x, y = 6 * np.sin(0.2 * t + number), 4 * np.cos(0.13 * t)
                picture = warp(portrait, [[1.1, 0, x - 66], [0, 1.1, y]], 360)[:288]
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            container.mux(video.encode(None))
            block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            block.rate, block.pts = 16_000, 0
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))


def plain(corpus: str, source: Path, out: Path) -> int:
    """Every frame: detector, landmarks, similarity, bilinear warp; one process, one clip after another."""
    import cv2

    from viseme.data import align
    from viseme.data.audio import read_audio
    from viseme.data.corpora import corpus_named
    from viseme.data.faces import default_backend
    from viseme.data.video import read_video

    cv2.setNumThreads(1)
    backend, total = default_backend(), 0
    for clip in corpus_named(corpus).clips(source):
        try:
            frames = read_video(clip.video)
            points = np.stack([backend.landmarks(frame, backend.detect(frame)[0]) for frame in frames])
        except IndexError:  # a frame without a face
            continue
        matrix = align.clip_transform(points, 128)
        aligned = np.stack([cv2.warpAffine(frame, matrix, (128, 128)) for frame in frames])
        audio = read_audio(clip.video)
        np.savez(out / f"{clip.clip_id}.npz", frames=aligned, audio=audio, landmarks=points)
        total += len(frames)
    return total


def apart(corpus: str, source: Path) -> list[float]:
    """Mean distance over the 68 landmarks of prepare's from the plain way's, in source pixels, of each frame."""
    from viseme.data import align
    from viseme.data.prepare import prepare
    from viseme.data.store import Store

    with tempfile.TemporaryDirectory() as folder:
        plain(corpus, source, Path(folder))
        prepare(corpus, source, Path(folder, "store"), jobs=1)
        store, found = Store.open(Path(folder, "store")), []
        for row in store.clips():
            if (saved := Path(folder, f"{row.clip_id}.npz")).exists():
                back = np.linalg.inv(np.vstack([np.reshape(row.crop, (2, 3)), [0, 0, 1]]))[:2]
                ours = np.stack([align.apply(back, points) for points in store.landmarks(row.clip_id)])
                found += np.linalg.norm(ours - np.load(saved)["landmarks"], axis=-1).mean(axis=-1).tolist()
    return found


def run(way: str, corpus: str, source: Path, jobs: int) -> None:
    """One measurement in this process, printed as JSON."""
    from joblib.externals.loky import get_reusable_executor

    from viseme.data.prepare import prepare

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        if way == "plain":
            frames = plain(corpus, source, Path(folder))
        else:
            frames = prepare(corpus, source, Path(folder, "store"), jobs=jobs).frames
        seconds = time.perf_counter() - began
        get_reusable_executor().shutdown(wait=True)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(use.ru_utime + use.ru_stime for use in usage)
    peak = max(use.ru_maxrss for use in usage) / 1024
    print(json.dumps({"frames": frames, "seconds": seconds, "cpu": cpu, "peak": peak}))


def measure(way: str, corpus: str, source: Path, jobs: int) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, __file__, "--way", way, "--corpus", corpus, "--source", str(source), "--jobs", str(jobs)]
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return dict(json.loads(said.stdout.splitlines()[-1]))


def linked(corpus: str, source: Path, folder: Path, count: int) -> Path:
    """A folder of links to `count` clips spread over the corpus, its layout kept."""
    from viseme.data.corpora import corpus_named

    clips = corpus_named(corpus).clips(source)
    for clip in clips[:: max(1, len(clips) // count)][:count]:
        target = folder / clip.video.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(clip.video.resolve())
    return folder


def main() -> None:
    """Measure each way in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="folder")
    parser.add_argument("--source", type=Path)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--way", choices=["plain", "prepare"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        run(given.way, given.corpus, given.source, given.jobs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        source = given.source
        if source is None:
            source = Path(scratch, "made")
            make_clips(source, given.clips)
        few = linked(given.corpus, source, Path(scratch, "few"), given.clips // 2)
        many = linked(given.corpus, source, Path(scratch, "many"), given.clips)
        base = 0.0
        print(f"{'':26}{'frames':>8}{'frames/s':>10}{'ratio':>8}{'CPU ms/frame':>14}{'peak MiB a process':>20}")
        for title, way, folder, jobs in (
            ("plain, one process", "plain", many, 1),
            ("prepare, one process", "prepare", many, 1),
            ("prepare, two processes", "prepare", many, 2),
            ("the same, half the clips", "prepare", few, 2),
        ):
            said = measure(way, given.corpus, folder, jobs)
            rate = said["frames"] / said["seconds"]
            base = base or rate
            cpu = 1000 * said["cpu"] / said["frames"]
            print(
                f"{title:26}{said['frames']:8}{rate:10.0f}{rate / base:8.2f}{cpu:14.2f}{said['peak']:20.0f}", flush=True
            )
        distances = apart(given.corpus, few)
        near, worst = np.mean(np.less_equal(distances, 1)), np.percentile(distances, 95)
        print(
            f"landmarks of {len(distances)} frames: {near:.1%} within 1 pixel of the plain way's, "
            f"95 % within {worst:.2f}"
        )
        shutil.rmtree(few)


if __name__ == "__main__":
    main()

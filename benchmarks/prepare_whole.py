"""A tree of CREMA-D's 7,442 names prepared, killed on the way and carried on: is the store the same, is memory flat?

    python benchmarks/prepare_whole.py                # 7,442 clips of half a second
    python benchmarks/prepare_whole.py --clips 500    # quicker
    python benchmarks/prepare_whole.py --keep DIR     # the tree and both stores stay

Rendered people, a window of 12 frames a clip, Sorenson video of 240x180 in FLV with the sound beside it as WAV. One
store is prepared without a break, after one of the first hundred clips. Another is stopped by SIGKILL at a third, by
Ctrl-C at two thirds, and carried on; its shards and manifest are compared with the first, byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import joblib
import numpy as np

from viseme.data.store import Store
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.film import Pictures, Sound, write_media
from viseme.data.synthetic.fixtures import at_rate, on_canvas
from viseme.data.synthetic.layouts import LAYOUTS
from viseme.data.synthetic.make import one_thread, synthesize_clip
from viseme.types import FPS, SAMPLE_RATE

ACTORS, NAMES, ALL = 91, LAYOUTS["cremad"].clips, 7442
FRAMES = 12
PICTURES = Pictures("flv", 240, 180, Fraction(30_000, 1001), {}, bit_rate=600_000)
WAVE = Sound("pcm_s16le", bit_rate=0)


def make_actor(root: Path, actor: int, clips: int) -> None:
    """Each clip is another window of one rendered take."""
    with one_thread():
        renderer = Renderer(draw_actor(np.random.default_rng([0, actor])), PICTURES.height)
        take = synthesize_clip(renderer, (clips + FRAMES) / FPS, np.random.default_rng([0, actor, 1]))
        for number in range(clips):
            shown = at_rate(take.frames[number : number + FRAMES], PICTURES.rate)
            first = number * SAMPLE_RATE // FPS
            heard = take.audio[first : first + FRAMES * SAMPLE_RATE // FPS]
            for file in LAYOUTS["cremad"].files(ACTORS, actor, number):
                path = root / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                if file.pictures:
                    canvas = (on_canvas(frame, PICTURES.width, PICTURES.height) for frame in shown)
                    write_media(path, "flv", PICTURES, canvas, None, heard)
                elif file.container == "wav":
                    write_media(path, "wav", None, (), WAVE, heard)


def make_tree(root: Path, clips: int) -> None:
    """As many clips of each actor as come nearest to `clips`, the first actors one more."""
    each, more = divmod(clips, ACTORS)
    joblib.Parallel(n_jobs=2)(
        joblib.delayed(make_actor)(root, actor, each + (actor < more))
        for actor in range(ACTORS)
        if each or actor < more
    )


def few(root: Path, folder: Path, count: int) -> Path:
    """Links to the first `count` videos and their sounds."""
    for video in sorted(root.glob("VideoFlash/*.flv"))[:count]:
        for path in (video, root / "AudioWAV" / f"{video.stem}.wav"):
            link = folder / path.relative_to(root)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, link)
    return folder


def start(root: Path, store: Path) -> subprocess.Popen[bytes]:
    """`viseme prepare` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "viseme",
        "prepare",
        "cremad",
        str(root),
        str(store),
        "--size",
        "64",
        "--jobs",
        "2",
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)


def whole(root: Path, store: Path) -> tuple[float, float, float]:
    """Seconds, seconds of processors, and the peak of the largest process in MiB, of a run to its end."""
    began = time.perf_counter()
    _, status, used = os.wait4(start(root, store).pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) not in (0, 1):  # 1: some clips were rejected
        raise SystemExit(f"prepare ended with {code}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def stopped(root: Path, store: Path, shards: int, how: signal.Signals) -> int:
    """Start, and stop as soon as that many shards are there; how many are there then."""
    process = start(root, store)
    while process.poll() is None and len(there(store)) < shards:
        time.sleep(0.02)
    if process.poll() is not None:
        raise SystemExit("prepare was done before it could be stopped: ask for more clips")
    process.send_signal(how)
    process.wait()
    time.sleep(3)  # orphaned workers end by themselves, after the clip they are at
    return len(there(store))


def there(store: Path) -> list[Path]:
    """The shards that are whole."""
    return sorted((store / "shards").glob("[0-9]*.safetensors"))


def contents(store: Path) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each file that makes up a store."""
    for path in (*there(store), store / "manifest.parquet", store / "store.json"):
        yield path.name, hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Print how long each part took, and whether the two stores are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=ALL)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if not 200 <= given.clips <= ACTORS * NAMES:
        parser.error(f"--clips: 200 to {ACTORS * NAMES}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        root = folder / "tree"
        if not root.exists():
            began = time.perf_counter()
            make_tree(root, given.clips)
            print(f"{given.clips} clips of {FRAMES} frames made in {time.perf_counter() - began:.0f} s", flush=True)
        hundred = few(root, Path(tempfile.mkdtemp(dir=folder)), 100)
        for title, source in (("the first 100 clips", hundred), ("all, no break", root)):
            store = folder / ("undisturbed" if source is root else "hundred")
            seconds, cpu, peak = whole(source, store)
            print(
                f"{title}: {seconds:.0f} s, {cpu:.0f} s of processors, {peak:.0f} MiB the largest process", flush=True
            )
        known = Store.open(folder / "undisturbed")
        shards, broken = len(there(folder / "undisturbed")), folder / "interrupted"
        for part, how in ((1, signal.SIGKILL), (2, signal.SIGINT)):
            left = stopped(root, broken, part * shards // 3, how)
            print(f"stopped by {how.name} with {left} of {shards} shards", flush=True)
        seconds, *_ = whole(root, broken)
        print(f"carried on: {seconds:.0f} s")
        names = Counter(row.clip_id for row in Store.open(broken).rows)
        wanted = {path.stem for path in root.glob("VideoFlash/*.flv")}
        exact = set(names) == wanted and max(names.values()) == 1
        status = Counter(row.status for row in known.rows)
        print(f"clips in the manifest: {len(names)}, {dict(status)}; each of the tree once: {'yes' if exact else 'NO'}")
        same = list(contents(broken)) == list(contents(folder / "undisturbed"))
        print(f"shards, manifest and settings equal, byte by byte: {'yes' if same else 'NO'}")
        raise SystemExit(0 if exact and same else 1)


if __name__ == "__main__":
    main()

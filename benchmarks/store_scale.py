"""What a store of a million clips costs to open, to read from at random, and to keep, worked out from measured parts.

    python benchmarks/store_scale.py --data STORE [--clips 1000000] [--shards 2000]

The manifest is a true one of that many rows, the store's own repeated under new names; for it each shard need only be
there, so `--shards` of them are the store's first shard under a hard link and the others are empty. Windows of three
frames with sound and landmarks are read from the linked ones: from few shards, at random, so that most come from a
shard that is not open, and in the order of `data.shuffle_shards`. Their pages are in memory, so a disk's own time comes
on top.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from viseme.data.epochs import Epochs
from viseme.data.prepare import CHUNK
from viseme.data.store import OPEN_SHARDS, Store, shard_path, write_info, write_manifest

READ = 8000
"""Windows read in each order; the first half warms up."""
BATCH, AT_ONCE = 32, 8


def enlarge(store: Store, folder: Path, clips: int, shards: int) -> None:
    """A store of that many clips, each of the shards one of the given store's first shard's clips over again."""
    first = [row for row in store.clips() if row.shard == store.clips()[0].shard][:CHUNK]
    (folder / "shards").mkdir(parents=True)
    for number in range(-(-clips // CHUNK)):
        if number < shards:
            os.link(shard_path(store.path, first[0].shard), shard_path(folder, number))
        else:
            shard_path(folder, number).touch()
    rows = []
    for n in range(clips):
        known = {"clip_id": f"{n:08d}", "source": f"{n:08d}.mp4", "sha256": hashlib.sha256(b"%d" % n).hexdigest()}
        rows.append(dataclasses.replace(first[n % len(first)], shard=n // CHUNK, actor=f"actor{n // 400}", **known))
    write_info(folder, store.info)
    write_manifest(folder, rows)


def peak() -> float:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=2000)
    given = parser.parse_args()
    store = Store.open(given.data)
    frames = sum(row.frames for row in store.clips())
    size = sum(path.stat().st_size for path in (store.path / "shards").iterdir())
    folder = Path(tempfile.mkdtemp(dir=store.path.parent, prefix=".scale"))
    try:
        if os.fork() == 0:  # writing must not count in what reading holds
            enlarge(store, folder, given.clips, given.shards)
            os._exit(0)
        if os.wait()[1] != 0:
            raise SystemExit("the enlarged store could not be written")
        held, began = peak(), time.perf_counter()
        large = Store.open(folder)
        seconds = time.perf_counter() - began
        manifest = (folder / "manifest.parquet").stat().st_size
        print(f"manifest of {given.clips:,} clips: {manifest / 1e6:.0f} MB, {manifest / given.clips:.0f} bytes a clip")
        print(f"opened in {seconds:.1f} s, {peak() - held:.0f} MiB held")
        ids = [row.clip_id for row in store.clips() if row.shard == store.clips()[0].shard][:CHUNK]
        rng = np.random.default_rng(0)
        epochs = Epochs(large.rows[: given.shards * CHUNK], BATCH, AT_ONCE, seed=0)
        orders = {
            "of shards that are open": rng.integers(OPEN_SHARDS // 2, size=READ),
            "of any shard": rng.integers(given.shards, size=READ),
            f"of {BATCH} places with {AT_ONCE} shards each": [epochs.row(*divmod(n, BATCH)).shard for n in range(READ)],
        }
        for title, order in orders.items():
            spent = []
            for shard in map(int, order):
                clip = ids[int(rng.integers(len(ids)))]
                began = time.perf_counter()
                held_shard = large.shard(shard)
                start = int(rng.integers(held_shard.tensor(f"{clip}/frames").shape[0] - 3))
                for kind in ("frames", "landmarks"):
                    np.array(held_shard.tensor(f"{clip}/{kind}")[start : start + 3])
                np.array(held_shard.tensor(f"{clip}/audio"))
                spent.append(time.perf_counter() - began)
            print(f"window {title}: {1e6 * float(np.mean(spent[READ // 2 :])):.0f} microseconds")
        per = size / frames
        print(f"{per:.0f} bytes a frame: {per * 75 * given.clips / 1e12:.2f} TB for {given.clips:,} clips of 75 frames")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

"""Stores: slices equal to what was written, sizes, refusals, and readers in threads and processes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from viseme.data.manifest import MEASURED
from viseme.data.shards import tensor_name, write_shard
from viseme.data.store import (
    SCHEMA,
    ClipRow,
    Store,
    StoreInfo,
    shard_path,
    write_info,
    write_manifest,
)
from viseme.errors import StoreError

SIZE = 24

INFO = StoreInfo(
    schema=SCHEMA,
    size=SIZE,
    fps=25,
    rate=16_000,
    align="clip",
    detector="none",
    corpus="folder",
    licence="CC0",
    seed=0,
    test_actors=("b",),
    val_actors=(),
    limits={"frames": 2},
    clips=4,
    listing="0",
    version="0",
)


def row(clip_id: str, split: str, shard: int, frames: int, reason: str = "") -> ClipRow:
    return ClipRow(
        clip_id=clip_id,
        actor=clip_id[0],
        sentence="bin blue",
        emotion="HAP",
        level="LO",
        split=split,
        frames=frames,
        source=f"{clip_id}.mp4",
        sha256="00",
        crop=() if reason else (1.0, 0.0, 0.25, 0.0, 1.0, -3.0),
        found=0.0 if reason else 1.0,
        shard=shard,
        status="rejected" if reason else "ok",
        reason=reason,
    )


ROWS = [row("a1", "train", 0, 4), row("a2", "seen", 1, 3), row("b1", "test", 1, 5), row("b2", "test", 0, 0, "no face")]


def written(clip_id: str) -> dict[str, np.ndarray]:
    frames = {r.clip_id: r.frames for r in ROWS}[clip_id]
    rng = np.random.default_rng(ord(clip_id[1]))
    return {
        "frames": rng.integers(0, 256, (frames, SIZE, SIZE, 3), dtype=np.uint8),
        "audio": rng.integers(-32767, 32768, 640 * frames, dtype=np.int16),
        "landmarks": rng.uniform(0, SIZE, (frames, 68, 2)).astype(np.float32),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of three accepted clips in two shards and one rejected clip."""
    path = tmp_path / "store"
    write_info(path, INFO)
    for number in (0, 1):
        rows = [r for r in ROWS if r.shard == number]
        tensors = {
            tensor_name(r.clip_id, kind): tensor
            for r in rows
            if r.status == "ok"
            for kind, tensor in written(r.clip_id).items()
        }
        write_shard(shard_path(path, number), tensors, [dataclasses.asdict(r) for r in rows])
    write_manifest(path, ROWS[::-1])
    return path


def test_a_store_says_what_it_holds(folder: Path) -> None:
    store = Store.open(folder)
    assert store.info == INFO
    assert store.rows == ROWS
    assert [r.clip_id for r in store.clips()] == ["a1", "a2", "b1"]
    assert [r.clip_id for r in store.clips("test")] == ["b1"]
    assert store.actors() == ["a", "b"]
    assert store.actors("val") == []
    assert store.row("a2").crop == (1.0, 0.0, 0.25, 0.0, 1.0, -3.0)


@pytest.mark.parametrize("clip_id", ["a1", "a2", "b1"])
def test_a_clip_comes_back_as_it_was_written(folder: Path, clip_id: str) -> None:
    clip = Store.open(folder).clip(clip_id)
    expected = written(clip_id)
    np.testing.assert_array_equal(clip.frames, expected["frames"])
    np.testing.assert_array_equal(np.rint(clip.audio * 32767), expected["audio"])
    assert clip.audio.dtype == np.float32
    assert np.abs(clip.audio).max() <= 1
    assert clip.landmarks is not None
    np.testing.assert_array_equal(clip.landmarks, expected["landmarks"])
    assert clip.actor == clip_id[0]
    assert clip.known["emotion"] == "HAP"
    assert clip.known["split"] == Store.open(folder).row(clip_id).split


def test_slices_are_pythons(folder: Path) -> None:
    store, frames = Store.open(folder), written("b1")["frames"]
    np.testing.assert_array_equal(store.frames("b1", 1, 3), frames[1:3])
    np.testing.assert_array_equal(store.frames("b1", -2), frames[-2:])
    np.testing.assert_array_equal(store.frames("b1", 3, 99), frames[3:])
    np.testing.assert_array_equal(store.frame("b1", 2), frames[2])
    np.testing.assert_array_equal(store.frame("b1", -1), frames[-1])


def test_what_is_read_is_the_callers_own(folder: Path) -> None:
    store = Store.open(folder)
    for size in (None, 12):
        store.frames("a1", size=size)[...] = 0
        store.frame("a1", 0, size)[...] = 0
        store.landmarks("a1", size)[...] = 0
    store.audio("a1")[...] = 0
    np.testing.assert_array_equal(store.frames("a1"), written("a1")["frames"])


@pytest.mark.parametrize("size", [12, 8, 6])
def test_a_smaller_size_averages_boxes_and_moves_landmarks_with_them(folder: Path, size: int) -> None:
    store, expected, k = Store.open(folder), written("a1"), SIZE // size
    boxes = expected["frames"].reshape(4, size, k, size, k, 3).mean(axis=(2, 4))
    assert np.abs(store.frames("a1", size=size) - boxes).max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(store.frame("a1", 1, size), store.frames("a1", size=size)[1])
    np.testing.assert_allclose(store.landmarks("a1", size), (expected["landmarks"] + 0.5) / k - 0.5, atol=1e-5)


@pytest.mark.parametrize("size", [7, 48, 0, -12])
def test_a_size_that_does_not_divide_is_refused(folder: Path, size: int) -> None:
    with pytest.raises(StoreError, match=f"frames of 24 pixels cannot be given at {size}; 24 can"):
        Store.open(folder).frames("a1", size=size)
    with pytest.raises(StoreError, match="cannot be given"):
        Store.open(folder).landmarks("a1", size)


def test_clips_that_cannot_be_given_say_why(folder: Path) -> None:
    store = Store.open(folder)
    with pytest.raises(StoreError, match=r"holds no clip 'zz'"):
        store.frames("zz")
    with pytest.raises(StoreError, match=r"'b2' was rejected: no face"):
        store.audio("b2")
    with pytest.raises(StoreError, match=r"'a1' has 4 frames, no frame 4"):
        store.frame("a1", 4)


def test_fingerprint_follows_content(folder: Path) -> None:
    before = Store.open(folder).fingerprint
    assert Store.open(folder).fingerprint == before
    write_info(folder, dataclasses.replace(INFO, version="9"))
    assert Store.open(folder).fingerprint == before
    write_manifest(folder, [*ROWS[:-1], dataclasses.replace(ROWS[-1], split="train")])
    assert Store.open(folder).fingerprint != before


def test_readers_in_threads_agree(folder: Path) -> None:
    store = Store.open(folder)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: store.frame("a1" if n % 2 else "b1", n % 4, 12), range(200)))
    for n, frame in enumerate(read):
        np.testing.assert_array_equal(frame, store.frame("a1" if n % 2 else "b1", n % 4, 12))


def test_few_shards_are_open_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viseme.data.store.OPEN_SHARDS", 1)
    store = Store.open(folder)

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0

    store.frames("a1")
    before = descriptors()
    for clip_id in ("b1", "a1", "b1", "a2", "a1"):
        np.testing.assert_array_equal(store.frames(clip_id), written(clip_id)["frames"])
        assert descriptors() == before


def test_a_store_travels_to_other_processes_as_its_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    sent = pickle.dumps(Store.open("store"))
    monkeypatch.chdir("/")
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).frame("a1", 0), written("a1")["frames"][0])


def test_what_is_no_store_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a store"):
        Store.open(tmp_path)
    with pytest.raises(StoreError, match="not a store"):
        Store.open(tmp_path / "nowhere")


def test_another_schema_is_refused(folder: Path) -> None:
    said = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps({**said, "schema": 99, "novelty": 1}))
    with pytest.raises(StoreError, match="store of schema 99, this viseme reads 1; upgrade viseme"):
        Store.open(folder)


def test_actors_that_are_no_list(folder: Path) -> None:
    said = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps({**said, "val_actors": None}))
    with pytest.raises(StoreError, match="'val_actors' is no list"):
        Store.open(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": 1}', '{"schema": 1, "odd": 2}'])
def test_a_damaged_store_json_is_one_line(folder: Path, text: str) -> None:
    (folder / "store.json").write_text(text)
    with pytest.raises(StoreError, match=r"store.json: damaged") as caught:
        Store.open(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_shard_is_named_on_opening(folder: Path) -> None:
    shard_path(folder, 1).unlink()
    with pytest.raises(StoreError, match=r"00001.safetensors: shard is missing"):
        Store.open(folder)


def test_a_damaged_shard_is_named_on_reading(folder: Path) -> None:
    shard_path(folder, 1).write_bytes(shard_path(folder, 1).read_bytes()[:-7])
    store = Store.open(folder)
    store.frames("a1")
    with pytest.raises(StoreError, match=r"00001.safetensors: damaged shard"):
        store.frames("b1")


def test_a_store_from_before_faces_were_chosen_opens_and_keeps_its_fingerprint(folder: Path) -> None:
    """The settings and rows of such a store, hashed as they were when it was written."""
    said = json.loads((folder / "store.json").read_text())
    assert said.pop("face") == "largest"
    (folder / "store.json").write_text(json.dumps(said))
    store = Store.open(folder)
    assert store.info.face == "largest"
    rows = [{k: v for k, v in dataclasses.asdict(r).items() if k not in MEASURED} for r in store.rows]
    written = json.dumps({"settings": {k: v for k, v in said.items() if k != "version"}, "rows": rows}, sort_keys=True)
    assert store.fingerprint == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize("change", ["face", "measure"])
def test_what_is_said_of_faces_and_quality_counts_in_the_fingerprint(folder: Path, change: str) -> None:
    before = Store.open(folder).fingerprint
    if change == "face":
        write_info(folder, dataclasses.replace(INFO, face="central"))
    else:
        write_manifest(folder, [dataclasses.replace(r, jitter=0.5) for r in ROWS])
    assert Store.open(folder).fingerprint != before


@pytest.mark.parametrize("clip_id", ["../up", "/etc/up", "a/b", "a\\b", "a\0b", "", ".hidden", "x" * 300])
def test_a_clip_whose_id_is_no_name_for_a_file_is_refused(folder: Path, clip_id: str) -> None:
    rows = Store.open(folder).rows
    write_manifest(folder, [dataclasses.replace(rows[0], clip_id=clip_id), *rows[1:]])
    with pytest.raises(StoreError, match="is no name for a file; prepare the store again") as error:
        Store.open(folder)
    assert "\n" not in str(error.value)

"""Verification: a whole store has no fault, and each harm done to it is named where it lies."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viseme.data.manifest import ClipRow, is_safe_id
from viseme.data.shards import open_shard, shard_path, write_shard
from viseme.data.store import Store, write_manifest
from viseme.data.sums import SUMS
from viseme.data.verify import Verification, verify
from viseme.errors import StoreError


def faults(found: Verification) -> list[str]:
    return [f"{fault.where}: {fault.what}" for fault in found.faults]


def change_rows(store: Path, change: Callable[[ClipRow], ClipRow]) -> None:
    """The rows otherwise, in the manifest and in the shards alike."""
    rows = [change(row) for row in Store.open(store).rows]
    write_manifest(store, rows)
    for number in sorted({row.shard for row in rows}):
        change_shard(store, number, lambda _: None, [dataclasses.asdict(row) for row in rows if row.shard == number])


def change_shard(store: Path, number: int, change: Callable[[dict[str, Any]], object], rows: Any = None) -> None:
    """The shard written again with other tensors, or other rows."""
    shard = open_shard(shard_path(store, number))
    tensors = {name: np.array(shard.tensor(name)) for name in shard}
    change(tensors)
    write_shard(shard_path(store, number), tensors, shard.rows if rows is None else rows)


def first_clip(store: Path) -> str:
    return next(row.clip_id for row in Store.open(store).clips() if row.shard == 0)


def test_a_whole_store_has_no_fault(whole: Path) -> None:
    found = verify(whole)
    assert faults(found) == []
    assert (found.clips, found.rejected, found.frames, found.shards, found.compared) == (12, 1, 120, 4, 0)
    assert found.bytes == sum(path.stat().st_size for path in (whole / "shards").iterdir())
    assert not (whole / SUMS).exists()


def test_landmarks_that_are_no_number(copy: Path) -> None:
    clip_id = first_clip(copy)

    def harm(tensors: dict[str, Any]) -> None:
        tensors[f"{clip_id}/landmarks"][[3, 7], 5, 1] = np.nan

    change_shard(copy, 0, harm)
    where = f"shards/00000.safetensors: {clip_id}/landmarks"
    assert faults(verify(copy)) == [f"{where} is not finite in 2 of 10 frames, first in frame 3"]


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("frames", lambda t: t[:-1], "is uint8 [9, 32, 32, 3], its row says uint8 [10, 32, 32, 3]"),
        ("frames", lambda t: t[:, :16], "is uint8 [10, 16, 32, 3], its row says uint8 [10, 32, 32, 3]"),
        ("audio", lambda t: t.astype(np.float32), "is float32 [6400], its row says int16 [6400]"),
        ("landmarks", lambda t: t[:, :67], "is float32 [10, 67, 2], its row says float32 [10, 68, 2]"),
    ],
)
def test_tensors_that_do_not_fit_their_row(copy: Path, kind: str, change: Callable[[Any], Any], says: str) -> None:
    name = f"{first_clip(copy)}/{kind}"
    change_shard(copy, 0, lambda tensors: tensors.update({name: change(tensors[name])}))
    assert faults(verify(copy)) == [f"shards/00000.safetensors: {name} {says}"]


def test_missing_and_foreign_tensors(copy: Path) -> None:
    name = f"{first_clip(copy)}/audio"
    change_shard(copy, 0, lambda tensors: tensors.update({"odd/audio": tensors.pop(name)}))
    assert faults(verify(copy)) == [
        f"shards/00000.safetensors: {name} is missing",
        "shards/00000.safetensors: odd/audio belongs to no accepted clip of the manifest",
    ]


def test_missing_damaged_and_unknown_shards_are_all_named(copy: Path) -> None:
    shutil.copy(shard_path(copy, 0), shard_path(copy, 9))
    shard_path(copy, 0).unlink()
    whole = shard_path(copy, 1).read_bytes()
    shard_path(copy, 1).write_bytes(whole[:-1])
    said = faults(verify(copy))
    assert len(said) == 3
    assert said[0].startswith("shards/00000.safetensors: shard is missing")
    assert said[1].startswith("shards/00001.safetensors: damaged shard, it should have")
    assert said[2] == "shards/00009.safetensors: is no shard of the manifest"


def test_a_clip_that_stands_there_twice(copy: Path) -> None:
    rows = Store.open(copy).rows
    write_manifest(copy, [*rows, rows[0]])
    assert faults(verify(copy)) == [f"manifest.parquet, clip {rows[0].clip_id}: stands there 2 times"]


def test_an_actor_on_both_sides_of_the_split(copy: Path) -> None:
    clip_id = Store.open(copy).clips("test")[0].clip_id
    change_rows(copy, lambda row: dataclasses.replace(row, split="train") if row.clip_id == clip_id else row)
    assert faults(verify(copy)) == ["actor a3: stands in train and in test: what is held out has been trained on"]


def test_seen_clips_are_of_training_actors(copy: Path) -> None:
    clip_id = Store.open(copy).clips("train")[0].clip_id
    change_rows(copy, lambda row: dataclasses.replace(row, split="seen") if row.clip_id == clip_id else row)
    assert faults(verify(copy)) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clip_id": "../up"}, "clip_id is no name for a file"),
        ({"split": "trial"}, "split is 'trial'; there are train, val, test, seen"),
        ({"status": "fine"}, "status is 'fine'"),
        ({"frames": 0}, "was accepted and has 0 frames"),
        ({"crop": (1.0,)}, "crop is [1.0], no 2x3 transform"),
        ({"sentence": None}, "sentence is None"),
    ],
)
def test_rows_that_cannot_be_true(copy: Path, changes: dict[str, Any], says: str) -> None:
    rows = Store.open(copy).rows
    write_manifest(copy, [dataclasses.replace(rows[0], **changes), *rows[1:]])
    assert faults(verify(copy))[0].endswith(f": {says}")


def test_a_shard_whose_own_rows_say_otherwise(copy: Path) -> None:
    rows = Store.open(copy).rows
    write_manifest(copy, [dataclasses.replace(rows[0], sentence="other"), *rows[1:]])
    assert faults(verify(copy)) == [
        f"shards/{rows[0].shard:05d}.safetensors: its own row of {rows[0].clip_id} is not that of the manifest"
    ]


def test_settings_that_are_no_numbers(copy: Path) -> None:
    said = json.loads((copy / "store.json").read_text())
    (copy / "store.json").write_text(json.dumps({**said, "fps": "25"}))
    assert faults(verify(copy)) == ["store.json: fps is '25', no whole number above 0"]


def test_a_flipped_bit_is_known_by_the_list(copy: Path) -> None:
    found = verify(copy, sums=True)
    assert faults(found) == []
    assert faults(verify(copy)) == []
    assert verify(copy).compared == 6
    path = shard_path(copy, 2)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert faults(verify(copy)) == [f"shards/00002.safetensors: is not the file that {SUMS} tells"]


def test_no_list_is_written_of_a_store_with_faults(copy: Path) -> None:
    shard_path(copy, 0).unlink()
    assert verify(copy, sums=True).faults
    assert not (copy / SUMS).exists()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a store"):
        verify(tmp_path)


@pytest.mark.parametrize("clip_id", ["", ".hidden", "-option", "a/b", "a\\b", "..", "a b", "x" * 201])
def test_names_that_are_not_safe(clip_id: str) -> None:
    assert not is_safe_id(clip_id)


def test_names_that_are() -> None:
    assert all(map(is_safe_id, ("s1_bbaf2n", "a.b-c", "é", "x" * 159)))

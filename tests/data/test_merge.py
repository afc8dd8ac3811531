"""Merging: every clip and split as it was, and everything that would make a store that lies is refused."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from viseme.data import merge as module
from viseme.data.manifest import ClipRow, write_manifest
from viseme.data.merge import merge
from viseme.data.shards import open_shard, shard_path, tensor_name, write_shard
from viseme.data.store import Store, read_info, write_info
from viseme.data.verify import verify
from viseme.errors import InputError, OutputError, StoreError

KINDS = ("frames", "audio", "landmarks")


def other(source: Path, folder: Path, mark: str = "z", **settings: object) -> Path:
    """The same store with `mark` before clip ids and actors, and other settings."""
    shutil.copytree(source, folder)
    rows: list[ClipRow] = []
    info = read_info(folder)
    for number in sorted({row.shard for row in Store.open(source).rows}):
        old = [row for row in Store.open(source).rows if row.shard == number]
        new = [dataclasses.replace(row, clip_id=f"{mark}{row.clip_id}", actor=f"{mark}{row.actor}") for row in old]
        shard = open_shard(shard_path(source, number))
        tensors = {
            tensor_name(after.clip_id, kind): shard.tensor(tensor_name(before.clip_id, kind))
            for before, after in zip(old, new, strict=True)
            for kind in KINDS
            if before.status == "ok"
        }
        write_shard(shard_path(folder, number), tensors, [dataclasses.asdict(row) for row in new])
        rows += new
    write_manifest(folder, rows)
    named = {"test_actors": tuple(f"{mark}{actor}" for actor in info.test_actors)}
    write_info(folder, dataclasses.replace(info, **{**named, **settings}))
    return folder


def hidden(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


def test_every_clip_is_there_as_it_was(whole: Path, tmp_path: Path) -> None:
    second = other(whole, tmp_path / "b", corpus="grid", licence="CC BY 4.0")
    merged = merge([whole, second], tmp_path / "out")
    assert verify(tmp_path / "out").faults == ()
    assert (merged.info.clips, len(merged.clips())) == (26, 24)
    assert merged.info.corpus == "folder + grid"
    assert merged.info.licence == "that of your videos + CC BY 4.0"
    assert merged.info.test_actors == ("a3", "za3")
    for store in (Store.open(whole), Store.open(second)):
        for row in store.clips():
            assert dataclasses.replace(merged.row(row.clip_id), shard=row.shard) == row
            for kind in KINDS:
                read = getattr(store, kind)(row.clip_id)
                np.testing.assert_array_equal(getattr(merged, kind)(row.clip_id), read)
    assert hidden(tmp_path) == []


def test_the_same_bytes_again(whole: Path, tmp_path: Path, contents) -> None:
    second = other(whole, tmp_path / "b")
    merge([whole, second], tmp_path / "one")
    (tmp_path / "two").mkdir()
    merge([whole, second], tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"size": 64}, "size 32, .* has 64"),
        ({"align": "frame"}, "align 'clip', .* has 'frame'"),
        ({"limits": {}}, "limits"),
    ],
)
def test_other_settings_are_named(whole: Path, tmp_path: Path, settings: dict[str, object], says: str) -> None:
    with pytest.raises(StoreError, match=says):
        merge([whole, other(whole, tmp_path / "b", **settings)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_clips_in_both_are_named(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"both hold a0_clip_0, .*, \.\.\. \(13 in all\).*--prefix"):
        merge([whole, whole], tmp_path / "out")


def test_a_prefix_keeps_two_corpora_apart(whole: Path, tmp_path: Path) -> None:
    second = other(whole, tmp_path / "b", mark="", corpus="grid")
    merged = merge([whole, second], tmp_path / "out", prefix=True)
    assert verify(tmp_path / "out").faults == ()
    assert merged.info.test_actors == ("folder_a3", "grid_a3")
    assert {row.actor for row in merged.clips("test")} == {"folder_a3", "grid_a3"}
    one = merged.row("grid_a0_clip_0")
    assert (one.actor, one.split) == ("grid_a0", Store.open(whole).row("a0_clip_0").split)
    np.testing.assert_array_equal(merged.frames("grid_a0_clip_0"), Store.open(whole).frames("a0_clip_0"))


def test_a_prefix_does_not_hide_one_corpus_twice(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="both hold folder_a0_clip_0"):
        merge([whole, whole], tmp_path / "out", prefix=True)


def test_an_actor_held_out_in_one_and_trained_on_in_the_other(whole: Path, tmp_path: Path) -> None:
    second = other(whole, tmp_path / "b")
    rows = [
        dataclasses.replace(row, actor="a3", split="train") if row.split == "train" else row
        for row in Store.open(second).rows
    ]
    write_manifest(second, rows)
    with pytest.raises(StoreError, match=rf"'a3' would stand in train of {second} and in test of {whole}"):
        merge([whole, second], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_shard_leaves_nothing(whole: Path, tmp_path: Path) -> None:
    second = other(whole, tmp_path / "b")
    shard = open_shard(shard_path(second, 3))
    tensors = {name: shard.tensor(name) for name in shard}
    name = next(name for name in tensors if name.endswith("landmarks"))
    write_shard(shard_path(second, 3), tensors | {name: np.full_like(tensors[name], np.nan)}, shard.rows)
    with pytest.raises(StoreError, match=r"00003.*is not finite in 10 of 10 frames.*viseme store verify"):
        merge([whole, second], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert hidden(tmp_path) == []


def test_interrupted_it_leaves_nothing(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    second = other(whole, tmp_path / "b")
    monkeypatch.setattr(module, "write_manifest", stop)
    with pytest.raises(KeyboardInterrupt):
        merge([whole, second], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert hidden(tmp_path) == []


def test_it_writes_over_nothing(whole: Path, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is there already"):
        merge([whole, whole], copy)
    with pytest.raises(OutputError, match="written into folders"):
        merge([whole, whole], "memory://out")


def test_one_store_is_not_enough(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two stores"):
        merge([whole], tmp_path / "out")


def test_a_prefix_that_leads_elsewhere(whole: Path, tmp_path: Path) -> None:
    second = other(whole, tmp_path / "b", mark="", corpus="../up")
    with pytest.raises(StoreError, match=r"'../up_.*' would be a clip_id, but is no name for a file"):
        merge([whole, second], tmp_path / "out", prefix=True)
    assert not (tmp_path / "out").exists()

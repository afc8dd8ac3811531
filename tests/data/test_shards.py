"""Shards: whole or not at all, readable by the safetensors package, and refused when damaged."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from viseme.data.shards import open_shard, tensor_name, write_shard
from viseme.errors import OutputError, StoreError

ROWS = [{"clip_id": "a", "reason": "kein Ton – レイ"}]


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        tensor_name("a", "frames"): rng.integers(0, 256, (3, 5, 5, 3), dtype=np.uint8),
        tensor_name("a", "audio"): rng.integers(-32767, 32768, 1921, dtype=np.int16),
        tensor_name("a", "landmarks"): rng.normal(size=(3, 68, 2)).astype(np.float32),
        tensor_name("b c/é", "frames"): np.zeros((0, 5, 5, 3), np.uint8),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "00000.safetensors"
    write_shard(target, tensors(), ROWS)
    return target


def test_a_shard_gives_back_what_was_written(path: Path) -> None:
    shard = open_shard(path)
    assert shard.rows == ROWS
    assert set(shard) == set(tensors())
    for name, tensor in tensors().items():
        assert shard.tensor(name).dtype == tensor.dtype
        np.testing.assert_array_equal(shard.tensor(name), tensor)


def test_the_safetensors_package_reads_it(path: Path) -> None:
    read = safetensors.numpy.load_file(path)
    assert set(read) == set(tensors())
    for name, tensor in tensors().items():
        np.testing.assert_array_equal(read[name], tensor)
    with safe_open(path, "np") as file:
        assert json.loads(file.metadata()["viseme.rows"]) == ROWS


def test_equal_content_gives_equal_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    write_shard(again, dict(reversed(tensors().items())), ROWS)
    assert again.read_bytes() == path.read_bytes()


def test_a_shard_of_rejected_clips_alone_is_whole(tmp_path: Path) -> None:
    write_shard(tmp_path / "00001.safetensors", {}, ROWS)
    assert open_shard(tmp_path / "00001.safetensors").rows == ROWS


def test_tensors_cannot_be_written_to(path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_shard(path).tensor("a/frames")[0] = 1


def test_a_missing_tensor_names_the_shard(path: Path) -> None:
    with pytest.raises(StoreError, match=r"00000.safetensors: damaged, it holds no z/frames"):
        open_shard(path).tensor("z/frames")


def forged(header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def holding(**tensors: tuple[list[float], int, int]) -> bytes:
    """The header of tensors of bytes, by shape and place."""
    places = {name: {"dtype": "U8", "shape": shape, "data_offsets": at} for name, (shape, *at) in tensors.items()}
    return forged({"__metadata__": {"viseme.rows": "[]"}, **places})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 64,
        forged([1, 2]),
        forged({"a": 1}),
        forged({"__metadata__": {"viseme.rows": "[]"}, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}),
        forged({"__metadata__": {"viseme.rows": "[]"}, "a": {"dtype": "U8", "shape": [9], "data_offsets": [0, 2]}}),
        forged({"__metadata__": {"viseme.rows": "[]"}, "a": {"dtype": "U8", "shape": [-1], "data_offsets": [0, -1]}}),
        forged({"__metadata__": {"viseme.rows": "[]"}, "a": {"dtype": "U8", "shape": [2], "data_offsets": [-2, 0]}}),
        holding(a=([1e999], 0, 0)),
        holding(a=([0, 2**70], 0, 0)),
        holding(a=([1] * 99, 0, 1)) + b"x",
        holding(a=([2**70], 0, 2**70)),
        holding(a=([2], 0, 2), b=([2], 0, 2)) + b"xy",
        holding(a=([1], 1, 2)) + b"xy",
        forged({"__metadata__": {"viseme.rows": "[]"}}) + b"more",
        forged({"__metadata__": {"viseme.rows": "{"}}),
    ],
)
def test_damage_is_one_line_that_names_the_shard(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "00007.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"00007.safetensors: damaged shard, .*; remove it") as caught:
        open_shard(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [4, 300, -1])
def test_a_shard_cut_short_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match="damaged shard"):
        open_shard(path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="shard is missing"):
        open_shard(tmp_path / "00000.safetensors")


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no room left"):
        write_shard(tmp_path / "00000.safetensors", tensors(), ROWS)
    assert list(tmp_path.iterdir()) == []

"""The manifest: rows come back as they were, and what is no manifest is said so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from viseme.data.manifest import MANIFEST, MEASURED, ClipRow, read_manifest, write_manifest
from viseme.errors import StoreError

ACCEPTED = ClipRow(
    clip_id="b",
    actor="плёнка",
    sentence="bin blue",
    emotion="HAP",
    level="LO",
    split="train",
    frames=74,
    source="s1/b.mpg",
    sha256="00",
    crop=(0.1 + 0.2, 0.0, -3.5, 0.0, 1e-17, 7.25),
    found=73 / 74,
    shard=3,
    status="ok",
    reason="",
)
REJECTED = dataclasses.replace(
    ACCEPTED, clip_id="a", frames=0, crop=(), found=0.0, status="rejected", reason="a.mp4: its sound is silent"
)


def test_rows_come_back_exactly_sorted_by_clip(tmp_path: Path) -> None:
    write_manifest(tmp_path, [ACCEPTED, REJECTED])
    assert read_manifest(tmp_path) == [REJECTED, ACCEPTED]


def test_equal_rows_give_equal_bytes_in_any_order(tmp_path: Path) -> None:
    write_manifest(tmp_path / "one", [ACCEPTED, REJECTED])
    write_manifest(tmp_path / "two", [REJECTED, ACCEPTED])
    assert (tmp_path / "one" / MANIFEST).read_bytes() == (tmp_path / "two" / MANIFEST).read_bytes()


def test_an_unfinished_store_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not finished; run the same prepare again"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b"PAR1 not really")
    with pytest.raises(StoreError, match=r"manifest.parquet: damaged"):
        read_manifest(tmp_path)


def test_a_manifest_without_a_column_is_said_so(tmp_path: Path) -> None:
    write_manifest(tmp_path, [ACCEPTED])
    table = pq.read_table(tmp_path / MANIFEST)
    pq.write_table(table.drop_columns(["split"]), tmp_path / MANIFEST)
    with pytest.raises(StoreError, match=r"manifest.parquet: damaged"):
        read_manifest(tmp_path)


def test_a_manifest_from_before_the_measures_is_still_read(tmp_path: Path) -> None:
    measured = dataclasses.replace(ACCEPTED, faces=2, face_width=98.5, jitter=0.3, sharpness=84.0, loudness=-18.25)
    write_manifest(tmp_path, [measured])
    assert read_manifest(tmp_path) == [measured]
    table = pq.read_table(tmp_path / MANIFEST)
    pq.write_table(table.drop_columns(list(MEASURED)), tmp_path / MANIFEST)
    assert read_manifest(tmp_path) == [ACCEPTED]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("shard", pa.array(["../../x"])),
        ("shard", pa.array([None], pa.int32())),
        ("shard", pa.array([0.5])),
        ("shard", pa.array([float("nan")])),
        ("frames", pa.array([None], pa.int32())),
        ("frames", pa.array([2**40])),
        ("found", pa.array([{"a": 1}])),
        ("crop", pa.array([None], pa.list_(pa.float64()))),
        ("crop", pa.array([["a"]])),
        ("clip_id", pa.array([None], pa.string())),
        ("clip_id", pa.array([b"\xff"])),
        ("actor", pa.array([None], pa.string())),
        ("split", pa.array([[1]])),
    ],
)
def test_columns_of_other_types_are_said_so(tmp_path: Path, column: str, values: pa.Array) -> None:
    write_manifest(tmp_path, [ACCEPTED])
    table = pq.read_table(tmp_path / MANIFEST)
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / MANIFEST)
    with pytest.raises(StoreError, match=r"manifest.parquet: damaged"):
        read_manifest(tmp_path)

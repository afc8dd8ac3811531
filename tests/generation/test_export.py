"""Exports: what is written says what the store holds, can be stopped and carried on, and harms nothing else.

That `viseme prepare folder` reads one back stands in `tests/cli/test_store.py`, where the clips have faces.
"""

from __future__ import annotations

import csv
import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from viseme.data.manifest import write_manifest
from viseme.data.shards import AUDIO, tensor_name
from viseme.data.store import Store
from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, OutputError, StoreError
from viseme.generation import export as module
from viseme.generation.export import ACTORS, EXPORT, MANIFEST, export
from viseme.generation.provenance import read_provenance

CLIPS = [("a1", "anna", 5), ("a2", "anna", 12), ("b1", "Bo, the second", 7)]


@pytest.fixture
def painted(make_store) -> Store:
    """Three clips and a rejected one."""
    store = make_store(CLIPS)
    lost = replace(store.rows[0], clip_id="c1", frames=0, crop=(), found=0.0, status="rejected", reason='no "face"')
    write_manifest(store.path, [*store.rows, lost])
    return Store.open(store.path)


@pytest.fixture
def exported(painted: Store, tmp_path: Path) -> Path:
    made = export(painted.path, tmp_path / "files", jobs=1)
    assert (made.clips, made.frames, made.fresh) == (3, 24, 3)
    return tmp_path / "files"


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sound_and_landmarks_are_those_of_the_store(painted: Store, exported: Path) -> None:
    for row in painted.clips():
        with wave.open(str(exported / "sounds" / f"{row.clip_id}.wav"), "rb") as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        np.testing.assert_array_equal(samples, painted.shard(row.shard).tensor(tensor_name(row.clip_id, AUDIO)))
        points = np.load(exported / "landmarks" / f"{row.clip_id}.npy", allow_pickle=False)
        assert points.dtype == np.float32
        np.testing.assert_array_equal(points, painted.landmarks(row.clip_id))


def test_videos_show_the_frames(painted: Store, exported: Path) -> None:
    for row in painted.clips():
        video = exported / f"{row.clip_id}.mp4"
        seen, frames = read_video(video).astype(float), painted.frames(row.clip_id).astype(float)
        assert seen.shape == frames.shape
        assert np.square(seen - frames).mean() < 10
        said = read_provenance(video)
        assert (said["clip_id"], said["ai_generated"]) == (row.clip_id, False)


def test_the_tables_say_what_the_manifest_says(painted: Store, exported: Path) -> None:
    told = table(exported / MANIFEST)
    assert [(one["clip_id"], one["actor"], one["frames"], one["reason"]) for one in told] == [
        (row.clip_id, row.actor, str(row.frames), row.reason) for row in painted.rows
    ]
    assert tuple(map(float, told[0]["crop"].split())) == painted.rows[0].crop
    assert [(one["file"], one["actor"], one["audio"]) for one in table(exported / ACTORS)] == [
        (f"{clip_id}.mp4", actor, f"sounds/{clip_id}.wav") for clip_id, actor, _ in CLIPS
    ]
    about = json.loads((exported / EXPORT).read_text())
    assert (about["settings"]["size"], about["fingerprint"]) == (64, painted.fingerprint)


def test_stopped_it_carries_on(painted: Store, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "again"
    written: list[Path] = []
    writer = module.VideoWriter

    def third_stops(path: Path, *arguments: object, **options: object) -> object:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        return writer(path, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(module, "VideoWriter", third_stops)
        with pytest.raises(KeyboardInterrupt):
            export(painted, folder, jobs=1)
    assert sorted(folder.glob("*.mp4")) == sorted(written)
    assert not (folder / ACTORS).exists()
    assert export(painted, folder, jobs=1).fresh == 1
    files = {path.relative_to(exported) for path in exported.rglob("*") if path.is_file()}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == files
    assert all((folder / path).read_bytes() == (exported / path).read_bytes() for path in files)
    assert export(painted, folder, jobs=1).fresh == 0


def test_a_folder_of_something_else(painted: Store, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other things"):
        export(painted, tmp_path / "full")
    with pytest.raises(OutputError, match="another store or at another crf"):
        export(painted, exported, crf=20)
    with pytest.raises(OutputError, match="into folders"):
        export(painted, "memory://out")


def test_what_cannot_be_asked(painted: Store, make_store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="crf 52"):
        export(painted, tmp_path / "new", crf=52)
    with pytest.raises(InputError, match="even size"):
        export(make_store(CLIPS, size=33, name="odd"), tmp_path / "odd files", jobs=1)


def test_a_name_that_leads_out_of_the_folder(painted: Store, tmp_path: Path) -> None:
    write_manifest(painted.path, [replace(painted.rows[0], clip_id="../../out"), *painted.rows[1:]])
    with pytest.raises(StoreError, match="no name for a file"):
        export(painted.path, tmp_path / "files")
    assert not (tmp_path / "files").exists()

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation.videos import find_videos, first_size, read_candidate

WriteVideo = Callable[[Path, np.ndarray], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    return tmp_path / "ours"


def manifest(folder: Path, **changes: object) -> None:
    value = {
        "schema": 1,
        "system": {"name": "tiny", "size": 64, "leaking": True},
        "reference": {"store": "faces", "fingerprint": "abc", "split": "test"},
        "clips": [
            {"clip_id": "c_0", "file": "c_0.mp4", "status": "ok", "reason": ""},
            {"clip_id": "c_1", "file": "", "status": "failed", "reason": "one clip alone"},
            {"clip_id": "c_2", "file": "../c_2.mp4", "status": "ok", "reason": ""},
            {"clip_id": "c_9", "file": "c_9.mp4", "status": "ok", "reason": ""},
        ],
    }
    (folder / "manifest.json").write_text(json.dumps({**value, **changes}), encoding="utf-8")


def test_a_manifest_says_everything(folder: Path, tiny) -> None:
    manifest(folder)
    found = find_videos(folder, tiny.store.clips())
    assert found.system == {"name": "tiny", "size": 64, "leaking": True}
    assert (found.split, found.fingerprint) == ("test", "abc")
    assert found.files == {"c_0": folder / "c_0.mp4", "c_9": folder / "c_9.mp4"}
    assert found.failed["c_1"] == "not generated: one clip alone"
    assert "outside the folder" in found.failed["c_2"]
    assert found.others == ["c_9"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": 7}, "is of schema 7, this version reads 1"),
        ({"clips": [{}]}, "is damaged"),
        ({"reference": {}}, "is damaged"),
        ({"system": 3}, "is damaged"),
        ({"clips": None}, "is damaged"),
    ],
)
def test_a_damaged_manifest(folder: Path, tiny, changes: dict[str, object], says: str) -> None:
    manifest(folder, **changes)
    with pytest.raises(InputError, match=says) as caught:
        find_videos(folder, tiny.store.clips())
    assert str(caught.value).startswith("ours/manifest.json: ")
    assert "\n" not in str(caught.value)


def test_a_plain_folder_goes_by_names(folder: Path, tiny) -> None:
    for name in ("c_1.MP4", "c_0.webm", "c_0.txt", "other.mp4", ".c_2.mp4"):
        (folder / name).touch()
    found = find_videos(folder, tiny.store.clips())
    assert found.system == {"name": "ours"}
    assert found.split == "test"
    assert found.files == {"c_0": folder / "c_0.webm", "c_1": folder / "c_1.MP4"}
    assert found.others == ["other.mp4"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "no video here is named after a clip"),
        (["other.mp4"], "no video here is named after a clip"),
        (["c_0.mp4", "a_0.mp4"], "holds clips of test and train"),
        (["c_0.mp4", "c_0.avi"], "c_0.avi and c_0.mp4 both stand for clip c_0"),
    ],
)
def test_a_plain_folder_that_cannot_serve(folder: Path, tiny, names: list[str], says: str) -> None:
    for name in names:
        (folder / name).touch()
    with pytest.raises(InputError, match=says):
        find_videos(folder, tiny.store.clips())


def test_no_folder(tmp_path: Path, tiny) -> None:
    with pytest.raises(InputError, match="is no folder"):
        find_videos(tmp_path / "none", tiny.store.clips())


def test_size_is_that_of_the_first_that_can_be_read(folder: Path, tiny, write_video: WriteVideo) -> None:
    (folder / "c_0.mp4").write_text("no video")
    write_video(folder / "c_1.mkv", np.zeros((3, 32, 48, 3), np.uint8))
    write_video(folder / "c_2.mkv", np.zeros((3, 32, 32, 3), np.uint8))
    found = find_videos(folder, tiny.store.clips())
    assert first_size(found, ["c_0", "c_1", "c_2"]) == 32
    assert first_size(found, ["c_0", "c_1", "absent"]) is None


def test_frames_come_back_as_they_were(tmp_path: Path, write_video: WriteVideo) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", frames)
    for stated in (5, 6, 7):
        assert np.array_equal(read_candidate(path, stated, 32), frames)


@pytest.mark.parametrize(
    ("stated", "size", "says"),
    [
        (8, 32, "a.mkv: has 6 frames at 25 a second where truth has 8"),
        (3, 32, "a.mkv: has more than 4 frames at 25 a second where truth has 3"),
        (6, 64, "a.mkv: has 32x32 pixels where 64x64 are scored"),
    ],
)
def test_another_length_or_size(tmp_path: Path, write_video: WriteVideo, stated: int, size: int, says: str) -> None:
    path = write_video(tmp_path / "a.mkv", np.zeros((6, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match=says):
        read_candidate(path, stated, size)


def test_reasons_name_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError) as caught:
        read_candidate(tmp_path / "a.mp4", 6, 32)
    assert str(caught.value).startswith("a.mp4: ")
    assert str(tmp_path) not in str(caught.value)

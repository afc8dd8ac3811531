from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation.reference import StoreReference, open_reference
from viseme.evaluation.videos import find_videos, read_candidate

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
    found = find_videos(folder, StoreReference(tiny.store))
    assert found.system == {"name": "tiny", "size": 64, "leaking": True}
    assert (found.split, found.fingerprint) == ("test", "abc")
    assert found.files == {"c_0": folder / "c_0.mp4", "c_9": folder / "c_9.mp4"}
    assert found.failed["c_1"] == "not generated: one clip alone"
    assert "outside the folder" in found.failed["c_2"]
    assert found.others == ["c_9.mp4"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": 7}, "is of schema 7, this version reads 1"),
        ({"clips": [{}]}, "is damaged"),
        ({"reference": {}}, "is damaged"),
        ({"system": 3}, "is damaged"),
        ({"clips": None}, "is damaged"),
        ({"clips": [3]}, "is damaged"),
    ],
)
def test_a_damaged_manifest(folder: Path, tiny, changes: dict[str, object], says: str) -> None:
    manifest(folder, **changes)
    with pytest.raises(InputError, match=says) as caught:
        find_videos(folder, StoreReference(tiny.store))
    assert str(caught.value).startswith("ours/manifest.json: ")
    assert "\n" not in str(caught.value)


def test_a_plain_folder_goes_by_names(folder: Path, tiny) -> None:
    for name in ("c_1.MP4", "c_0.webm", "c_0.txt", "other.mp4", ".c_2.mp4"):
        (folder / name).touch()
    found = find_videos(folder, StoreReference(tiny.store))
    assert found.system == {"name": "ours"}
    assert found.split == "test"
    names = {"c_0": "c_0.webm", "c_1": "c_1.MP4", "other": "other.mp4"}
    assert found.files == {clip_id: folder / name for clip_id, name in names.items()}
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
        find_videos(folder, StoreReference(tiny.store))


def test_no_folder(tmp_path: Path, tiny) -> None:
    with pytest.raises(InputError, match="is no folder"):
        find_videos(tmp_path / "none", StoreReference(tiny.store))


def test_a_manifest_s_names_serve_for_any_reference_but_its_split_does_not(folder: Path, tmp_path: Path) -> None:
    manifest(folder)
    (tmp_path / "true").mkdir()
    for name in ("c_0.mp4", "c_1.mp4", "c_5.mp4"):
        (tmp_path / "true" / name).touch()
    found = find_videos(folder, open_reference(tmp_path / "true"))
    assert found.split == "all"
    assert found.system["name"] == "tiny"
    assert set(found.files) == {"c_0", "c_9"}
    assert found.others == ["c_2", "c_9.mp4"]


@pytest.fixture
def pairs(folder: Path, tmp_path: Path) -> Path:
    """Two pairs of three candidates, one of them in a folder of its own."""
    (folder / "deep").mkdir()
    for name in ("x.mp4", "deep/y.mp4", "x.avi", "z.mkv", "notes.txt"):
        (folder / name).touch()
    path = tmp_path / "pairs.csv"
    path.write_text("candidate,reference\nours/x.mp4,true/1.mp4\nours/deep/y.mp4,true/2.mp4\n", encoding="utf-8")
    return path


def test_pairs_say_which_is_which_and_the_rest_is_named(folder: Path, pairs: Path) -> None:
    found = find_videos(folder, open_reference(pairs))
    assert found.files == {"1": folder / "x.mp4", "2": folder / "deep" / "y.mp4"}
    assert found.others == ["x.avi", "z.mkv"]
    assert (found.system, found.split) == ({"name": "ours"}, "all")


def test_pairs_of_another_folder(folder: Path, pairs: Path) -> None:
    with pytest.raises(InputError, match=r"pairs.csv: the candidate x.mp4 does not lie in deep; give the folder"):
        find_videos(folder / "deep", open_reference(pairs))


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


def test_another_size_if_asked(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mkv", np.zeros((6, 32, 32, 3), np.uint8))
    assert read_candidate(path, 6, 16, resample=True).shape == (6, 16, 16, 3)


def test_reasons_name_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError) as caught:
        read_candidate(tmp_path / "a.mp4", 6, 32)
    assert str(caught.value).startswith("a.mp4: ")
    assert str(tmp_path) not in str(caught.value)

from __future__ import annotations

from pathlib import Path

import pytest

from viseme.evaluation.finished import Finished
from viseme.evaluation.results import ClipResult


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    return Finished(tmp_path / "results.json")


@pytest.fixture
def clip(tmp_path: Path) -> ClipResult:
    (tmp_path / "x.png").write_bytes(b"")
    return ClipResult("x", "a", "x.mp4", 12, "scored", values={"ssim": 1 / 3}, strip="x.png")


def test_a_kept_clip_comes_back_under_its_key_alone(finished: Finished, clip: ClipResult) -> None:
    assert finished.get("x", "k") is None
    finished.put(clip, "k")
    assert finished.get("x", "k") == clip
    assert finished.get("x", "other") is None
    assert finished.get("y", "k") is None


def test_a_damaged_one_does_not(finished: Finished, clip: ClipResult) -> None:
    finished.put(clip, "k")
    (file,) = finished.folder.iterdir()
    file.write_text('{"clip_id": 3}')
    assert finished.get("x", "k") is None


def test_nor_one_whose_picture_is_gone(finished: Finished, clip: ClipResult, tmp_path: Path) -> None:
    finished.put(clip, "k")
    (tmp_path / "x.png").unlink()
    assert finished.get("x", "k") is None


def test_clear(finished: Finished, clip: ClipResult) -> None:
    finished.put(clip, "k")
    finished.clear()
    assert not finished.folder.exists()
    finished.clear()

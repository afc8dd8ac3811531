from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation.blur import matching_sigma
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.results import load, save

WriteVideo = Callable[[Path, np.ndarray], Path]


def gaussian(frames: np.ndarray, sigma: float) -> np.ndarray:
    """Frames 1, 2, ... of a clip, blurred."""
    return np.rint([cv2.GaussianBlur(frame.astype(np.float32), (0, 0), sigma) for frame in frames[1:]]).astype(np.uint8)


@pytest.fixture(scope="module")
def soft(tiny, write_video: WriteVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of truth under a Gaussian of 1.3 pixels, and their results."""
    folder = tmp_path_factory.mktemp("soft")
    for clip in ("c_0", "c_1", "c_2"):
        true = tiny.store.frames(clip)
        write_video(folder / "videos" / f"{clip}.mkv", np.concatenate([true[:1], gaussian(true, 1.3)]))
    evaluate(folder / "videos", tiny.path, folder / "results.json", metrics=["sharpness"], jobs=1)
    return folder


@pytest.mark.parametrize("like", ["videos", "results.json"])
def test_the_blur_of_the_videos_is_found(tiny, soft: Path, like: str) -> None:
    assert matching_sigma(gaussian, tiny.store, soft / like, 64) == pytest.approx(1.3, abs=0.01)


def test_a_broken_video_does_not_count(tiny, soft: Path, tmp_path: Path) -> None:
    (tmp_path / "c_0.mkv").write_text("no video")
    (tmp_path / "c_1.mkv").write_bytes((soft / "videos" / "c_1.mkv").read_bytes())
    assert matching_sigma(gaussian, tiny.store, tmp_path, 64) == pytest.approx(1.3, abs=0.01)


def test_another_size(tiny, soft: Path) -> None:
    for like in ("videos", "results.json"):
        with pytest.raises(InputError, match=f"{like}: its videos have 64 pixels a side and the control 32"):
            matching_sigma(gaussian, tiny.store, soft / like, 32)


def test_videos_as_sharp_as_truth(tiny, truth_videos: Path) -> None:
    with pytest.raises(InputError, match=r"are no less sharp than truth \(.*; leave this control out"):
        matching_sigma(gaussian, tiny.store, truth_videos, 64)


def test_videos_of_nothing(tiny, write_video: WriteVideo, tmp_path: Path) -> None:
    write_video(tmp_path / "c_0.mkv", np.zeros((13, 64, 64, 3), np.uint8))
    with pytest.raises(InputError, match="show nothing at all"):
        matching_sigma(gaussian, tiny.store, tmp_path, 64)


def test_results_that_cannot_serve(tiny, soft: Path, tmp_path: Path) -> None:
    results = load(soft / "results.json")
    results.reference["fingerprint"] = "another"
    save(results, tmp_path / "other.json")
    with pytest.raises(InputError, match=r"other.json: was scored against another reference than this store"):
        matching_sigma(gaussian, tiny.store, tmp_path / "other.json", 64)
    evaluate(soft / "videos", tiny.path, tmp_path / "psnr.json", metrics=["psnr"], jobs=1)
    with pytest.raises(InputError, match=r"psnr.json: holds the sharpness of no clip of this store; evaluate with"):
        matching_sigma(gaussian, tiny.store, tmp_path / "psnr.json", 64)
    with pytest.raises(InputError, match="is neither a sigma nor a results file nor a folder"):
        matching_sigma(gaussian, tiny.store, tmp_path / "nowhere", 64)

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from viseme.evaluation.strips import strip, thumbnail, write_png


def counted(frames: int, offset: int = 0) -> np.ndarray:
    """Frame t is filled with t + offset."""
    return np.repeat(np.arange(frames, dtype=np.uint8) + np.uint8(offset), 4 * 4 * 3).reshape(frames, 4, 4, 3)


def test_candidate_above_truth_evenly_spaced() -> None:
    image = strip(counted(71), counted(71, 100))
    assert image.shape == (8, 32, 3)
    assert image[0, ::4, 0].tolist() == [0, 10, 20, 30, 40, 50, 60, 70]
    assert image[4, ::4, 0].tolist() == [100, 110, 120, 130, 140, 150, 160, 170]


def test_short_clips_give_what_they_have() -> None:
    assert strip(counted(3), counted(3)).shape == (8, 12, 3)
    assert strip(counted(1), counted(1)).shape == (8, 4, 3)


def test_thumbnail_is_the_middle() -> None:
    assert thumbnail(counted(9))[0, 0, 0] == 4


def test_png_keeps_colours(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    write_png(tmp_path / "new" / "a.png", image)
    read = cv2.imread(str(tmp_path / "new" / "a.png"))
    assert np.array_equal(read[..., ::-1], image)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.png"]

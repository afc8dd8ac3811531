from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.evaluation.reading import Look, at_size, look, rate_text, read, survey, usual_size

WriteVideo = Callable[..., Path]


def numbered(count: int, size: int = 16) -> np.ndarray:
    """Frame n is of the gray 10 n."""
    return np.repeat(np.arange(count, dtype=np.uint8) * 10, size * size * 3).reshape(count, size, size, 3)


@pytest.mark.parametrize(("rate", "steady"), [(25, True), (30, False), (Fraction(30000, 1001), False), (24, False)])
def test_a_rate_is_seen(tmp_path: Path, write_video: WriteVideo, rate: Fraction | int, steady: bool) -> None:
    seen = look(write_video(tmp_path / "a.mkv", numbered(6), rate))
    assert seen.steady is steady
    assert float(seen.rate) == pytest.approx(float(rate), rel=1e-3)
    assert (seen.height, seen.width, seen.square) == (16, 16, True)


def test_a_rate_that_nobody_states_is_no_other_rate() -> None:
    assert Look(None, 1, 1).steady


@pytest.mark.parametrize(
    ("rate", "text"), [(Fraction(30), "30"), (Fraction(30000, 1001), "29.97"), (Fraction(5, 2), "2.5")]
)
def test_rates_in_words(rate: Fraction, text: str) -> None:
    assert rate_text(Look(rate, 1, 1)) == text


def test_another_rate_is_refused_or_held_if_asked(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mkv", numbered(6), Fraction(25, 2))
    with pytest.raises(InputError, match=r"a.mkv: has 12.5 frames a second where 25 are scored; convert it"):
        read(path, 16)
    assert np.array_equal(read(path, 16, resample=True), numbered(6).repeat(2, axis=0))


def test_another_size_is_refused_or_averaged_if_asked(tmp_path: Path, write_video: WriteVideo) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", frames)
    with pytest.raises(InputError, match=r"a.mkv: has 32x32 pixels where 16x16 are scored; resize it"):
        read(path, 16)
    boxes = frames.reshape(3, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert read(path, 16, resample=True) == pytest.approx(boxes, abs=0.51)
    assert len(read(path, 32, limit=2)) == 2


def test_frames_that_are_not_square_are_refused_even_so(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mkv", np.zeros((3, 16, 24, 3), np.uint8))
    for resample in (False, True):
        with pytest.raises(InputError, match=r"a.mkv: has 24x16 pixels, and square frames are scored; crop it"):
            read(path, 16, resample=resample)


def test_enlarging_keeps_the_picture() -> None:
    frame = np.full((8, 8, 3), 77, np.uint8)
    assert np.array_equal(at_size(frame, 16), np.full((16, 16, 3), 77))
    assert at_size(frame, 8) is frame


def test_the_usual_size_is_that_of_most(tmp_path: Path, write_video: WriteVideo) -> None:
    files = {"c": tmp_path / "c.mp4", "gone": tmp_path / "gone.mp4"}
    files["c"].write_text("no video")
    for name, shape in {"a": (32, 32), "b": (16, 16), "d": (16, 16), "e": (16, 24)}.items():
        files[name] = write_video(tmp_path / f"{name}.mkv", np.zeros((2, *shape, 3), np.uint8))
    looks = survey(files)
    assert set(looks) == {"a", "b", "d", "e"}
    assert usual_size(looks) == 16
    assert usual_size({name: looks[name] for name in "ab"}) == 32
    assert usual_size({"e": looks["e"]}) is None
    assert usual_size({}) is None


def test_errors_name_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.mp4", 16)
    assert str(caught.value).startswith("a.mp4: ")
    assert str(tmp_path) not in str(caught.value)

"""Frames of a video: 25 a second by the clock of the recording, one after the other."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from viseme.data.video import read_frames, read_video

HALF_MS = Fraction(1, 2000)


def shown(times: Sequence[Fraction], end: Fraction) -> list[int]:
    """By definition: the last frame not later than n/25, to half a millisecond, as long as n/25 is before the end."""
    outputs = itertools.takewhile(lambda at: at < end, (Fraction(n, 25) for n in itertools.count()))
    return [max(i for i, time in enumerate(times) if time - times[0] <= at + HALF_MS) for at in outputs]


@pytest.mark.parametrize("rate", [Fraction(r) for r in (12, 15, 24, 25, 30, 50, 60)] + [Fraction(30000, 1001)])
def test_every_constant_rate_becomes_25(
    tmp_path: Path,
    rate: Fraction,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    count = int(rate * 6 / 5)
    times = [number / rate for number in range(count)]
    path = write_video(
        tmp_path / "rate.mp4",
        numbered(count),
        times,
        rate=rate,
        time_base=1 / rate,
        options={"crf": "1", "bf": "2"},
    )
    assert numbers(read_video(path)) == shown(times, count / rate)


def test_a_variable_rate_follows_the_presentation_times(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    rng = np.random.default_rng(5)
    gaps = rng.integers(5, 140, 39)  # milliseconds, as Matroska keeps them
    times = [Fraction(int(total), 1000) for total in np.concatenate([[0], np.cumsum(gaps)])]
    path = write_video(tmp_path / "variable.mkv", numbered(40), times, time_base=Fraction(1, 1000))
    seen = numbers(read_video(path))
    expected = shown(times, times[-1])  # how long the last picture lasts is not in the file
    assert seen[: len(expected)] == expected
    assert set(seen[len(expected) :]) == {39}


def test_times_rounded_to_milliseconds_do_not_shift_a_frame(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    times = [Fraction(round(1000 * Fraction(number, 30)), 1000) for number in range(36)]
    path = write_video(tmp_path / "rounded.mkv", numbered(36), times, time_base=Fraction(1, 1000), rate=Fraction(30))
    exact = [Fraction(number, 30) for number in range(36)]
    assert numbers(read_video(path)) == shown(exact, Fraction(36, 30))


def test_the_clock_starts_with_the_first_frame(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    times = [Fraction(7, 10) + Fraction(number, 25) for number in range(10)]
    path = write_video(tmp_path / "late.mkv", numbered(10), times, time_base=Fraction(1, 1000))
    assert numbers(read_video(path)) == list(range(10))


def test_a_single_frame_is_a_video_of_one(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    path = write_video(tmp_path / "one.mp4", numbered(1), [Fraction(0)], rate=Fraction(60), time_base=Fraction(1, 60))
    assert read_video(path).shape == (1, 32, 48, 3)


def test_a_gif_is_a_video(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    times = [Fraction(number, 10) for number in range(4)]
    path = tmp_path / "four.gif"
    write_video(path, numbered(4, 60), times, codec="gif", pix_fmt="rgb8", time_base=Fraction(1, 100))
    assert len(read_video(path)) >= 8  # 0.3 s to the last picture
    assert list(dict.fromkeys(numbers(read_video(path), 60))) == [0, 1, 2, 3]


def test_frames_are_the_callers_own(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    path = write_video(tmp_path / "slow.mkv", numbered(2), [Fraction(0), Fraction(1)], time_base=Fraction(1, 1000))
    frames = []
    for frame in read_frames(path):
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous
        assert frame.flags.writeable
        frames.append(frame.copy())
        frame[:] = 255  # must not reach the repeats of the same picture
    assert numbers(np.stack(frames))[:25] == [0] * 25


def test_memory_does_not_grow_with_the_video(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    count = 300
    pictures = [np.full((96, 128, 3), number % 200, np.uint8) for number in range(count)]
    path = write_video(tmp_path / "long.mp4", pictures, [Fraction(number, 25) for number in range(count)])
    tracemalloc.start()
    assert sum(1 for _ in read_frames(path)) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * pictures[0].nbytes

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from viseme.errors import ModelError
from viseme.generation.rollout import Stopwatch, condition, generator, rollout
from viseme.types import Conditioning


def given(frames: int, level: int = 100, size: int = 32) -> Conditioning:
    return Conditioning(np.full((size, size, 3), level, np.uint8), np.zeros((frames, 1), np.float32))


def test_frame_0_is_the_identity_and_the_longest_clip_ends_it(painter) -> None:
    clips = [given(3, 10), given(6, 20)]
    frames = list(rollout(painter, clips, torch.Generator().manual_seed(0)))
    assert len(frames) == 6
    assert [frames[0][i].mean() for i in (0, 1)] == [10, 20]
    assert all(f.shape == (2, 32, 32, 3) and f.dtype == np.uint8 for f in frames)


class Broken:
    """A synthesizer that yields whatever it is told."""

    name, size = "broken", 32

    def __init__(self, frames: Callable[[], Iterator[np.ndarray]]) -> None:
        self._frames = frames

    def encode(self, audio, frames):
        return np.zeros((frames, 1), np.float32)

    def synthesize(self, conditionings, rng):
        return self._frames()


GOOD = np.zeros((1, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (lambda: iter([GOOD, GOOD]), "stopped after 2 of 3"),
        (lambda: itertools.repeat(GOOD), "more than the 3 frames"),
        (lambda: itertools.repeat(GOOD[:, :30]), r"uint8 \[1, 30, 32, 3\], expected uint8 \[1, 32, 32, 3\]"),
        (lambda: itertools.repeat(np.zeros((2, 32, 32, 3), np.uint8)), r"uint8 \[2, 32, 32, 3\]"),
        (lambda: itertools.repeat(GOOD.astype(np.float32)), "float32"),
    ],
)
def test_a_synthesizer_that_breaks_the_protocol_is_named(frames, line: str) -> None:
    with pytest.raises(ModelError, match="broken: synthesize .*" + line):
        list(rollout(Broken(frames), [given(4)], torch.Generator()))


def test_an_identity_of_another_size_is_refused(painter) -> None:
    with pytest.raises(ModelError, match=r"it needs uint8 \[32,32,3\]"):
        next(rollout(painter, [given(4, size=48)], torch.Generator()))


def test_features_are_checked(painter) -> None:
    sound = np.zeros(640 * 4, np.float32)
    ready = condition(painter, GOOD[0], sound, 4, clip_id="c")
    assert (ready.frames, ready.clip_id, ready.landmarks) == (4, "c", None)
    for wrong, line in [
        (np.zeros((3, 1), np.float32), r"float32 \[3, 1\], expected float32 \[4,D\]"),
        (np.zeros(4, np.float32), "expected"),
        (np.zeros((4, 1), np.float64), "float64"),
        (np.full((4, 1), np.nan, np.float32), "not finite"),
    ]:
        painter.encode = lambda audio, frames, wrong=wrong: wrong
        with pytest.raises(ModelError, match=line):
            condition(painter, GOOD[0], sound, 4)


def test_the_stopwatch_runs_in_synthesis_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def slow() -> Iterator[np.ndarray]:
        for _ in range(3):
            clock[0] += 2.0
            yield GOOD

    watch = Stopwatch()
    for _ in rollout(Broken(slow), [given(4)], torch.Generator(), watch):
        clock[0] += 100.0
    assert watch.seconds == 6.0


def test_every_seed_and_batch_has_its_own_numbers() -> None:
    def draw(seed: int, stream: int) -> tuple[float, ...]:
        return tuple(torch.rand(4, generator=generator(seed, stream)).tolist())

    pairs = [(seed, stream) for seed in range(4) for stream in range(4)]
    assert len({draw(*pair) for pair in pairs}) == len(pairs)
    assert draw(2, 3) == draw(2, 3)

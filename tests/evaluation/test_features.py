from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viseme.data.faces import Box, default_backend, resized
from viseme.data.track import scored_landmarks
from viseme.evaluation.features import Features, TruthFeatures, describe


class Blind:
    """Sees nothing, and says how often it was asked."""

    name = "blind"

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, frame: np.ndarray) -> list[Box]:
        self.calls += 1
        return []

    def landmarks(self, frame: np.ndarray, box: Box) -> np.ndarray:
        return np.full((68, 2), frame.mean(), np.float32)

    def describe(self, frame: np.ndarray, points: np.ndarray) -> np.ndarray:
        self.calls += 1
        return np.full(128, frame.mean())


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)


def test_truth_and_candidate_are_measured_alike(frames: np.ndarray) -> None:
    ours, true = Features(frames, Blind()), TruthFeatures(frames, Blind(), identity=frames[0], key=("alike",))
    assert np.array_equal(ours.track.landmarks, true.track.landmarks)
    assert np.array_equal(ours.descriptors, true.descriptors)
    assert np.array_equal(ours.flow, true.flow)
    assert ours.undetected == true.undetected == 12
    assert ours.descriptors.shape == (3, 128)  # frames 0, 5 and 10 of the scored ones


def test_truth_is_computed_once(frames: np.ndarray) -> None:
    first, again = Blind(), Blind()
    for backend in (first, again):
        truth = TruthFeatures(frames, backend, identity=frames[0], key=("once",))
        assert truth.flow.shape == (11,)
        assert truth.identity_descriptor.shape == (128,)
        assert truth.undetected == 12
    assert first.calls > 0
    assert again.calls == 0


def test_another_clip_or_length_is_another_truth(frames: np.ndarray) -> None:
    TruthFeatures(frames, Blind(), identity=frames[0], key=("one",)).track  # noqa: B018
    for key, length in ((("two",), 12), (("one",), 11)):
        backend = Blind()
        assert len(TruthFeatures(frames[:length], backend, identity=frames[0], key=key).track.found) == length
        assert backend.calls == length


def test_nothing_is_undetected_where_nobody_looked(frames: np.ndarray) -> None:
    assert Features(frames, Blind()).undetected is None


def test_descriptors_are_of_enlarged_frames(tiny) -> None:
    backend = default_backend()
    frames = tiny.store.frames("c_0")[1:2]
    points = scored_landmarks(frames, backend).landmarks
    by_hand = backend.describe(resized(frames[0], 4), (points[0] + 0.5) * 4 - 0.5)
    assert describe(frames, points, backend)[0] == pytest.approx(by_hand)


def test_the_portrait_is_detected_at_64_pixels(tiny, cache: Path) -> None:
    assert scored_landmarks(tiny.store.frames("c_0"), default_backend()).found.all()

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.articulation import mouth_at
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.motion import perform
from viseme.data.synthetic.phonemes import random_sentence
from viseme.data.synthetic.voice import speak
from viseme.errors import InputError
from viseme.evaluation.lag import (
    Canonical,
    Heard,
    best_lag,
    canonical,
    lag_curve,
    mouth_features,
    pooled_lag,
    sound_features,
    training_canonical,
)
from viseme.evaluation.truth import FilmedClip

FRAMES = 76


def spoken(renderer: Renderer, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks `[76,68,2]` and sound of a synthetic actor, in time, without a picture drawn."""
    actor, times = renderer.actor, (np.arange(FRAMES) + 0.5) / 25
    segments = random_sentence(rng, FRAMES / 25, actor.voice.rate)
    mouth = mouth_at(segments, times, actor.voice.effort)
    poses = perform(actor, segments, times, rng)
    points = np.stack([renderer.landmarks(mouth.at(t), pose) for t, pose in enumerate(poses)])
    return points + rng.normal(0, 0.1, points.shape), speak(segments, actor.voice, FRAMES, rng)


def delayed(audio: np.ndarray, frames: int) -> np.ndarray:
    late = np.roll(audio, 640 * frames)
    if frames > 0:
        late[: 640 * frames] = 0
    elif frames < 0:
        late[640 * frames :] = 0
    return late


@pytest.fixture(scope="module")
def talks() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    actors = [Renderer(draw_actor(rng), 64) for _ in range(3)]
    return [spoken(actor, rng) for actor in actors for _ in range(3)]


@pytest.fixture(scope="module")
def mixtures(talks: list[tuple[np.ndarray, np.ndarray]]) -> Canonical:
    return canonical([(mouth_features(p[1:]), sound_features(a, FRAMES - 1)) for p, a in talks[:6]])


def curves(talks: list[tuple[np.ndarray, np.ndarray]], mixtures: Canonical, delay: int) -> list[np.ndarray]:
    """Of the actor whom the mixtures have not seen."""
    heard = [sound_features(delayed(audio, delay), FRAMES - 1) for _, audio in talks[6:]]
    return [lag_curve(mouth_features(p[1:]), sound, mixtures) for (p, _), sound in zip(talks[6:], heard, strict=True)]


@pytest.mark.parametrize("delay", [-10, -3, 0, 1, 7])
def test_a_sound_delayed_by_k_frames_lowers_the_lag_by_k(talks, mixtures: Canonical, delay: int) -> None:
    found = curves(talks, mixtures, delay)
    assert [best_lag(curve) for curve in found] == pytest.approx([-delay] * 3, abs=1)
    assert pooled_lag(found) == -delay


def test_canonical_correlation_by_hand() -> None:
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(2, 4000, 2))
    y = np.c_[other[:, 0], 0.6 * x[:, 1] + 0.8 * other[:, 1]]
    found = canonical([(5 * x + 2, y)])
    assert found.correlation == pytest.approx([0.6 / 1.1, 0], abs=0.03)  # the ridge adds a tenth to either variance
    assert np.abs(found.mouth[:, 0]) == pytest.approx([0, 0.2 / np.sqrt(1.1)], abs=0.01)


def test_mixtures_maximise_under_the_constraint() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 4))
    found = canonical([(x, y)])
    ridge = np.cov(x.T, bias=True) + 0.1 * np.diag(x.var(axis=0))
    assert found.mouth.T @ ridge @ found.mouth == pytest.approx(np.eye(2), abs=1e-9)


def test_gain_and_place_of_features_do_not_count(mixtures: Canonical) -> None:
    rng = np.random.default_rng(2)
    mouth, sound = rng.normal(size=(60, 7)), rng.normal(size=(60, 40))
    assert lag_curve(3 * mouth + 5, 0.2 * sound - 1, mixtures) == pytest.approx(lag_curve(mouth, sound, mixtures))


def test_a_curve_by_hand() -> None:
    rng = np.random.default_rng(3)
    heard = rng.normal(size=(60, 1))
    curve = lag_curve(np.roll(heard, 4, axis=0), heard, Canonical(np.ones((1, 1)), np.ones((1, 1)), np.ones(1)))
    assert best_lag(curve) == 4
    assert curve[15 + 4] == pytest.approx(np.sqrt(56))  # r = 1 over the 56 frames that overlap


def test_mouth_features_know_no_pose_nor_scale(talks) -> None:
    points = talks[0][0][:5]
    turned = 1.7 * points @ np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]]) + (9, -4)
    assert mouth_features(turned)[:, :4] == pytest.approx(mouth_features(points)[:, :4], abs=1e-9)


@pytest.mark.parametrize(
    ("mouth", "sound", "says"),
    [
        (np.ones((60, 7)), None, "lips do not move"),
        (0.001 * np.random.default_rng(5).normal(size=(60, 7)), None, "lips do not move"),  # they tremble
        (None, np.ones((60, 40)), "silence"),
        (np.zeros((39, 7)), np.zeros((39, 40)), "40 scored frames"),
    ],
)
def test_what_cannot_be_told_is_said(mixtures: Canonical, mouth, sound, says: str) -> None:
    rng = np.random.default_rng(4)
    mouth = rng.normal(size=(60, 7)) if mouth is None else mouth
    sound = rng.normal(size=(60, 40)) if sound is None else sound
    with pytest.raises(ValueError, match=says):
        lag_curve(mouth, sound, mixtures)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="no training clips"):
        canonical([])
    with pytest.raises(ValueError, match="no sound or no moving lips"):
        canonical([(np.zeros((50, 7)), np.zeros((50, 40)))])
    with pytest.raises(ValueError, match="no clip has"):
        pooled_lag([])


def test_a_silent_store_has_no_mixtures(tiny, cache: Path) -> None:
    with pytest.raises(ValueError, match="no sound or no moving lips"):
        training_canonical(tiny.store)


def test_the_candidate_s_own_sound_is_heard(truth_videos: Path) -> None:
    video = truth_videos / "c_0.mkv"
    heard = Heard(video, FilmedClip("c_0", "c", video, ""))
    with pytest.raises(InputError, match=r"^c_0\.mkv: holds no sound"):
        heard.candidate()
    assert heard.truth() is None
    with pytest.raises(ValueError, match="no training clips"):
        heard.canonical()

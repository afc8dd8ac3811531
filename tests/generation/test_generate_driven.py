"""Landmarks that drive a photo or a clip: moved by the sound, by a video, or truth's own, which leaks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.faces import default_backend, find_faces
from viseme.errors import OutputError
from viseme.generation.generate import generate_split, generate_talk
from viseme.generation.photo import read_photo
from viseme.generation.writer import VideoWriter


@pytest.fixture
def moving(painter):
    """A painter that moves the photo's points to the right by the loudness, and keeps what drove it."""

    class Moving(type(painter)):
        uses_landmarks = has_regressor = True

        def landmarks_from_sound(self, audio: np.ndarray, points: np.ndarray) -> np.ndarray:
            return points + np.concatenate([audio, np.zeros_like(audio)], axis=1)[:, None]

        def synthesize(self, conditionings, rng):
            self.given = list(conditionings)
            return super().synthesize(conditionings, rng)

    return Moving()


def test_landmarks_are_moved_by_the_sound_from_the_photos_own(moving, face: Path, voice: Path, tmp_path: Path) -> None:
    for asked in (None, "sound"):
        generate_talk(moving, face, voice, tmp_path / "talk.mp4", landmarks=asked)
        points, driven = read_photo(face, 32).points, moving.given[0]
        np.testing.assert_array_equal(driven.landmarks, moving.landmarks_from_sound(driven.audio, points))
        assert np.ptp(driven.landmarks, axis=0).max() > 0.05


def test_landmarks_are_moved_by_a_driving_video(
    moving, face: Path, voice: Path, portrait: np.ndarray, tmp_path: Path
) -> None:
    """The portrait, wandering to the right by a pixel of the source each frame, after a photo half as large."""
    driver = tmp_path / "driver.mp4"
    with VideoWriter(driver, 300, np.zeros(640 * 14, np.float32), metadata={}) as writer:
        for t in range(14):
            writer.write(portrait[0:300, 80 - t : 380 - t])
    Image.open(face).resize((150, 150)).save(tmp_path / "half.png")
    half = tmp_path / "half.png"
    generate_talk(moving, half, voice, tmp_path / "talk.mp4", landmarks=driver)
    points, made = read_photo(half, 32).points, moving.given[0].landmarks
    assert made.shape == (13, 68, 2)
    np.testing.assert_array_equal(made[0], points)
    own = np.linalg.norm(points[45] - points[36])
    plain = read_photo(face, 32)
    assert own == pytest.approx(np.linalg.norm(plain.points[45] - plain.points[36]), rel=0.05)
    backend, pixels = default_backend(), np.array(Image.open(face))
    source = backend.landmarks(pixels, find_faces(pixels, backend)[0])
    step = own / np.linalg.norm(source[45] - source[36])  # a source pixel in the aligned photo
    moved = (made - made[0])[12].mean(axis=0)
    np.testing.assert_allclose(moved, (12 * step, 0), atol=0.3)
    before = driver.read_bytes()
    with pytest.raises(OutputError, match="is an input too and would be lost"):
        generate_talk(moving, face, voice, driver, landmarks=driver)
    assert driver.read_bytes() == before


def test_only_truth_leaks(moving, store, tmp_path: Path) -> None:
    for asked in (None, "sound", "truth"):
        manifest = generate_split(moving, store, tmp_path / str(asked), limit=2, landmarks=asked)
        assert manifest.system.leaking == (asked == "truth")
        for given in moving.given:
            truth = store.landmarks(given.clip_id, size=32)
            moved = moving.landmarks_from_sound(given.audio, truth[0])
            np.testing.assert_array_equal(given.landmarks, truth if asked == "truth" else moved)
    for video in (tmp_path / "sound").glob("*.mp4"):
        assert video.read_bytes() == (tmp_path / "None" / video.name).read_bytes()
    with pytest.raises(OutputError, match="videos of another run \\(leaking True, now False"):
        generate_split(moving, store, tmp_path / "truth", limit=2)

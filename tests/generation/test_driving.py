from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.align import apply, similarity
from viseme.data.faces import default_backend, find_faces
from viseme.data.video import read_video
from viseme.errors import InputError
from viseme.generation.driving import MISSING, driving_landmarks, transferred
from viseme.generation.photo import read_photo
from viseme.generation.writer import VideoWriter


@pytest.fixture(scope="module")
def clip(corpus: Path) -> Path:
    return sorted(corpus.rglob("*.mp4"))[0]


def test_a_face_that_moves_alike_elsewhere_in_another_size_and_tilt_gives_the_same_motion() -> None:
    rng = np.random.default_rng(0)
    motion = rng.normal(0, 1, (9, 68, 2)).cumsum(axis=0)
    identity = rng.uniform(0, 64, (68, 2)).astype(np.float32)
    expected = identity + motion - motion[0]
    angle = 0.3
    elsewhere = 2.5 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    driving = (expected @ elsewhere.T + [100, 40]).astype(np.float32)
    made = transferred(driving, identity)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[0], identity)
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_another_face_keeps_its_shape_and_takes_the_motion_at_its_own_size() -> None:
    rng = np.random.default_rng(1)
    identity = rng.uniform(0, 64, (68, 2)).astype(np.float32)
    driving = np.repeat(rng.uniform(0, 64, (1, 68, 2)), 2, axis=0).astype(np.float32)
    driving[:, 36], driving[:, 45] = (10, 30), (50, 30)
    identity[36], identity[45] = (20, 30), (40, 30)  # half as large, upright
    driving[1, 57] += (0, 8)
    moved = transferred(driving, identity)[1] - identity
    np.testing.assert_allclose(moved[57], (0, 4), atol=1e-5)
    np.testing.assert_allclose(np.delete(moved, 57, axis=0), 0, atol=1e-5)


def test_the_photos_own_clip_gives_back_its_points(clip: Path, tmp_path: Path) -> None:
    frames, backend = read_video(clip)[:20], default_backend()
    Image.fromarray(frames[0]).save(tmp_path / "photo.png")
    photo = read_photo(tmp_path / "photo.png", 64)
    found = [backend.landmarks(frame, find_faces(frame, backend)[0]) for frame in frames]
    truth = apply(similarity(found[0], photo.points), np.stack(found))
    made = driving_landmarks(clip, 20, photo.points)
    assert np.abs(truth - truth[0]).max() > 1.5  # it moves
    distance = np.linalg.norm(made - truth, axis=-1)
    assert distance.mean() < 0.5
    assert np.quantile(distance, 0.95) < 1.2


def test_the_last_points_stay_where_the_sound_is_a_little_longer(clip: Path) -> None:
    identity = np.random.default_rng(0).uniform(0, 64, (68, 2)).astype(np.float32)
    count = len(read_video(clip))
    made = driving_landmarks(clip, count + MISSING, identity)
    np.testing.assert_array_equal(made[count:], np.repeat(made[count - 1 : count], MISSING, axis=0))
    with pytest.raises(InputError, match=r"\.mp4: lasts .* s, the sound .* s; give a video as long as the sound"):
        driving_landmarks(clip, count + MISSING + 1, identity)


def test_what_drives_nothing_is_one_line(clip: Path, tmp_path: Path) -> None:
    frames = read_video(clip)[:20]
    for name, shown in (("blank", 0), ("half", 10)):
        with VideoWriter(tmp_path / f"{name}.mp4", 160, np.zeros(640 * 20, np.float32), metadata={}) as writer:
            for t in range(20):
                writer.write(frames[t] if t < shown else np.full((160, 160, 3), 90, np.uint8))
    (tmp_path / "text.mp4").write_text("not a video")
    for name, line in [
        ("blank.mp4", "no face found in it; give a video of one face"),
        ("half.mp4", "a face in only 50% of its frames"),
        ("text.mp4", "cannot be opened as video"),
        ("none.mp4", "no such file"),
    ]:
        with pytest.raises(InputError, match=line) as caught:
            driving_landmarks(tmp_path / name, 20, np.zeros((68, 2), np.float32))
        assert "\n" not in str(caught.value)

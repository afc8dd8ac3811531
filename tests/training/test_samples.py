import numpy as np

from viseme.training.samples import sheet


def numbered(count: int, size: int, add: int = 0) -> np.ndarray:
    """Frame t holds the number t + add everywhere."""
    return np.broadcast_to((np.arange(count) + add).astype(np.uint8)[:, None, None, None], (count, size, size, 3))


def test_truth_stands_above_what_was_made_at_the_same_eight_times() -> None:
    picture = sheet([numbered(50, 4), numbered(25, 4)], [numbered(50, 4, 100), numbered(60, 4, 100)])
    assert picture.shape == (4 * 4, 8 * 4, 3)
    times = picture[::4, ::4, 0]
    np.testing.assert_array_equal(times[2], np.arange(3, 25, 3))
    np.testing.assert_array_equal(times[3], times[2] + 100)
    np.testing.assert_array_equal(times[1], times[0] + 100)
    assert times[0, -1] == 49
    assert times[0, 0] > 0, "the identity frame tells nothing"


def test_a_clip_of_two_frames_repeats_its_second() -> None:
    picture = sheet([numbered(2, 4)], [numbered(2, 4)])
    assert set(np.unique(picture)) <= {0, 1}
    assert picture[0, -1, 0] == 1

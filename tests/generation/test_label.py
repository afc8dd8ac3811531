from __future__ import annotations

import numpy as np
import pytest

from viseme.errors import InputError
from viseme.generation.label import labelled


@pytest.mark.parametrize("size", [64, 128, 256])
def test_words_stand_in_the_lower_left_corner_alone(size: int) -> None:
    frame = np.full((size, size, 3), 120, np.uint8)
    seen = labelled(frame, "AI")
    assert (frame == 120).all()
    assert seen.dtype == np.uint8
    rows, columns, _ = np.nonzero(seen != 120)
    assert rows.min() > size * 0.7
    assert columns.max() < size / 2
    assert seen.max() > 200
    assert (seen[-1, 0] < 80).all()


def test_other_words_look_different() -> None:
    frame = np.zeros((128, 128, 3), np.uint8)
    assert (labelled(frame, "AI") != labelled(frame, "made")).any()


def test_words_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="give a shorter one"):
        labelled(np.zeros((64, 64, 3), np.uint8), "these words are far too many")

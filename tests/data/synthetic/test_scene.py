import dataclasses

import numpy as np
import pytest

from viseme.data.synthetic.actor import BACKGROUNDS, CLOTHES, draw_actor
from viseme.data.synthetic.paint import Grid
from viseme.data.synthetic.scene import background, body

ACTOR = draw_actor(np.random.default_rng([0, 1]))


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_are_quiet_pictures_in_range(kind: str):
    picture = background(dataclasses.replace(ACTOR, background=kind), 96, np.random.default_rng(0))
    assert picture.shape == (96, 96, 3)
    assert np.isfinite(picture).all()
    assert picture.std() > 1
    assert np.abs(np.diff(picture, axis=1)).mean() < 12


@pytest.mark.parametrize("clothes", CLOTHES)
def test_shoulders_wear_the_clothes_colour_and_the_neck_is_skin(clothes: str):
    actor = dataclasses.replace(
        ACTOR, clothes=clothes, clothes_colour=(20.0, 40.0, 220.0), skin=(220.0, 170.0, 140.0), hair_style="short"
    )
    grid = Grid(-1.8, -1.8, 1.8, 2.3, 40.0)
    picture, covered = body(actor, grid, np.random.default_rng(0))

    def at(x: float, y: float) -> np.ndarray:
        column, row = grid.pixels(np.array([(x, y)]))[0].round().astype(int)
        assert covered[row, column] > 0.9
        return picture[row, column]

    assert at(0.9, 2.15)[2] > 2 * at(0.9, 2.15)[0]
    assert at(0.0, 1.32)[0] > at(0.0, 1.32)[2]
    assert covered[: round(1.8 * grid.density)].max() == 0  # nothing above the eyes

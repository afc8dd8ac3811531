import dataclasses

import numpy as np

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.paint import Grid
from viseme.data.synthetic.skin import light_on, lit_skin, relief

ACTOR = draw_actor(np.random.default_rng([0, 4]))
GRID = Grid(-1.2, -1.4, 1.2, 1.6, 60.0)


def _at(picture: np.ndarray, x: float, y: float, reach: float = 0.04) -> float:
    column, row = GRID.pixels(np.array([(x, y)]))[0].round().astype(int)
    pad = max(1, round(reach * GRID.density))
    return float(picture[row - pad : row + pad + 1, column - pad : column + pad + 1].mean())


def test_the_nose_stands_out_and_the_eyes_lie_deep():
    z = relief(ACTOR, GRID)
    assert _at(z, 0.0, ACTOR.nose_length - 0.12) > _at(z, 0.25, ACTOR.nose_length - 0.12) + 0.05
    assert _at(z, 0.2, -0.02) < min(_at(z, 0.0, -0.4), _at(z, 0.35, 0.3))
    assert _at(z, 0.0, 0.3) > _at(z, 0.8, 0.3) + 0.2


def test_light_comes_from_where_the_lamp_is():
    z = relief(ACTOR, GRID)
    left, right = (light_on(dataclasses.replace(ACTOR, light=(x, -0.5, 1.0)), z, GRID)[0] for x in (-0.5, 0.5))
    assert _at(left, -0.6, 0.3) > _at(left, 0.6, 0.3)
    assert _at(right, -0.6, 0.3) < _at(right, 0.6, 0.3)


def test_brows_and_nostrils_are_darker_than_the_skin_around_them():
    picture = lit_skin(ACTOR, GRID, np.random.default_rng(0))
    for side in (-1, 1):
        assert _at(picture, side * 0.39, -ACTOR.brow_height - ACTOR.brow_arch, 0.02) < 0.8 * _at(picture, 0.0, -0.5)
        assert _at(picture, side * 0.46 * ACTOR.nose_width, ACTOR.nose_length - 0.01, 0.01) < 0.7 * _at(picture, 0, 0.3)


def test_stubble_darkens_the_chin_and_not_the_forehead():
    smooth, rough = (
        lit_skin(dataclasses.replace(ACTOR, brow_colour=(30.0, 20.0, 16.0), stubble=s), GRID, np.random.default_rng(0))
        for s in (0.0, 0.8)
    )
    assert _at(rough, 0.0, ACTOR.chin - 0.15) < 0.9 * _at(smooth, 0.0, ACTOR.chin - 0.15)
    assert abs(_at(rough, 0.0, -0.5) - _at(smooth, 0.0, -0.5)) < 1

import dataclasses

import numpy as np
import pytest

from viseme.data.synthetic.actor import HAIR_STYLES, draw_actor
from viseme.data.synthetic.hair import add_hair, ears, hair_behind
from viseme.data.synthetic.paint import Grid

ACTOR = dataclasses.replace(draw_actor(np.random.default_rng([0, 4])), hair=(90.0, 40.0, 20.0))
GRID = Grid(-1.35, -1.75, 1.35, 2.1, 50.0)


def _covered(style: str) -> np.ndarray:
    actor = dataclasses.replace(ACTOR, hair_style=style)
    blank = np.zeros((*GRID.shape, 3), dtype=np.float32)
    rng = np.random.default_rng(0)
    behind = hair_behind(actor, GRID, rng, blank)
    return add_hair(actor, GRID, rng, blank, behind)


def _rows(low: float, high: float) -> slice:
    return slice(round((low - GRID.top) * GRID.density), round((high - GRID.top) * GRID.density))


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_hair_leaves_eyes_nose_and_mouth_free(style: str):
    covered = _covered(style)
    middle = slice(round(0.85 * GRID.density), round(1.85 * GRID.density))  # x from -0.5 to 0.5
    assert covered[_rows(-0.15, 1.0), middle].max() < 0.05
    assert covered.min() >= 0
    assert covered.max() <= 1


def test_styles_cover_what_their_names_say():
    below, above = _rows(0.5, 1.9), _rows(-1.7, -1.3)
    falls = {style: float(_covered(style)[below].sum()) for style in HAIR_STYLES}
    assert falls["long"] > 1.5 * falls["bob"] > 0
    assert all(falls[style] < 1 for style in HAIR_STYLES if style not in ("long", "bob"))
    assert _covered("bald").sum() < 0.5 * _covered("short").sum()
    assert _covered("tied")[above].sum() > 10 * max(1.0, _covered("short")[above].sum())


def test_ears_stick_out_at_both_sides():
    picture = np.zeros((*GRID.shape, 3), dtype=np.float32)
    covered = ears(ACTOR, GRID, picture)
    np.testing.assert_allclose(covered, covered[:, ::-1], atol=0.06)
    columns = np.flatnonzero(covered.max(axis=0) > 0.5) / GRID.density + GRID.left
    assert np.abs(columns).min() > 0.6
    assert np.abs(columns).max() < 1.1

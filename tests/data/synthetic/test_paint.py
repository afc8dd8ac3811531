import numpy as np
import pytest

from viseme.data.synthetic.paint import Grid, blob, filled, noise, over, softened, to_bytes


def test_a_polygon_covers_its_area_to_fractions_of_a_pixel():
    turn = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([30.3 + 20.25 * np.cos(turn), 31.7 + 20.25 * np.sin(turn)], axis=1)
    assert filled((64, 64), circle).sum() == pytest.approx(np.pi * 20.75**2, rel=0.02)


@pytest.mark.parametrize("blur", [0.7, 2.0, 9.0])
def test_softening_keeps_the_mean_and_spreads_by_what_was_asked(blur: float):
    dot = np.zeros((129, 129), dtype=np.float32)
    dot[64, 64] = 1.0
    soft = softened(dot, blur)
    assert soft.sum() == pytest.approx(1.0, rel=0.05)
    spread = np.sqrt((soft * (np.arange(129)[None] - 64.0) ** 2).sum() / soft.sum())
    assert spread == pytest.approx(blur, rel=0.2)


def test_noise_has_unit_variance_and_grains_of_the_size_asked():
    field = noise(np.random.default_rng(0), (200, 200), (4, 20))
    assert field.std() == pytest.approx(1.0)
    along, across = np.abs(np.diff(field, axis=1)).mean(), np.abs(np.diff(field, axis=0)).mean()
    assert across > 3 * along


def test_a_grid_knows_where_its_pixels_lie():
    grid = Grid(-1.0, -2.0, 1.0, 2.0, 10.0)
    x, y = grid.axes()
    assert grid.shape == (40, 20) == (y.size, x.size)
    np.testing.assert_allclose(grid.pixels(np.array([(x[0, 3], y[7, 0])])), [(3, 7)], atol=1e-5)
    hill = blob(x, y, (0.05, 0.05), (0.2, 0.4))
    assert np.unravel_index(hill.argmax(), hill.shape) == (20, 10)
    assert hill.max() == pytest.approx(1.0)


def test_blending_is_linear_in_coverage():
    picture = np.zeros((1, 3, 3), dtype=np.float32)
    over(picture, (100.0, 200.0, 300.0), np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    np.testing.assert_allclose(picture[0], [(0, 0, 0), (50, 100, 150), (100, 200, 300)])
    np.testing.assert_array_equal(to_bytes(picture)[0, 2], (100, 200, 255))

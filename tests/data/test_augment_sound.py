import pytest
import torch

from viseme.data.augment_sound import augment_sound, stretched

BANDS = 8


def sound(windows: int = 5) -> torch.Tensor:
    return torch.rand((windows, 3, 6 * BANDS), generator=torch.Generator().manual_seed(0))


def test_without_strength_nothing_changes() -> None:
    given = sound()
    assert torch.equal(augment_sound(given, BANDS, tract=0.0, tilt=0.0, rng=torch.Generator()), given)


def test_a_stretch_of_one_is_no_stretch() -> None:
    torch.testing.assert_close(stretched(sound(), BANDS, torch.ones(5)), sound())


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.25])
def test_a_straight_line_over_the_bands_is_stretched_exactly(factor: float) -> None:
    line = torch.arange(BANDS, dtype=torch.float32).repeat(2, 3, 6)
    made = stretched(line, BANDS, torch.full((2,), factor)).unflatten(-1, (-1, BANDS))
    expected = (torch.arange(BANDS) * factor).clamp(max=BANDS - 1)
    torch.testing.assert_close(made, expected.expand_as(made))


def test_a_peak_moves_down_where_the_factor_is_above_one() -> None:
    peak = torch.zeros((1, 1, BANDS))
    peak[..., 6] = 1
    assert int(stretched(peak, BANDS, torch.tensor([1.5])).argmax()) == 4
    assert int(stretched(peak, BANDS, torch.tensor([0.75])).argmax()) == 7


def test_a_window_changes_as_one_and_differently_from_the_next() -> None:
    flat = torch.zeros((2, 3, 6 * BANDS))
    made = augment_sound(flat, BANDS, tract=0.1, tilt=0.2, rng=torch.Generator().manual_seed(1))
    columns = made.unflatten(-1, (-1, BANDS))
    assert torch.equal(columns, columns[:, :1, :1].expand_as(columns))
    assert not torch.equal(columns[0], columns[1])
    assert columns.abs().max() <= 0.4


def test_the_same_generator_gives_the_same_sound() -> None:
    made = [augment_sound(sound(), BANDS, tract=0.1, tilt=0.1, rng=torch.Generator().manual_seed(3)) for _ in "ab"]
    assert torch.equal(*made)

"""Sharpness square by square: by hand, against a pixel term, and as a term of both families' losses."""

import pytest
import torch
from torch import nn

from viseme.config import load_config
from viseme.nn.detail import detail_distance
from viseme.nn.perception import Perception


def test_detail_is_as_sharp_or_not_and_where_does_not_matter_to_a_pixel() -> None:
    rng = torch.Generator().manual_seed(0)
    sharp = torch.rand((2, 1, 32, 32), generator=rng).expand(-1, 3, -1, -1) * 2 - 1
    soft = nn.functional.avg_pool2d(sharp, 3, stride=1, padding=1, count_include_pad=False)
    aside = sharp.roll(1, dims=-1)
    assert torch.equal(detail_distance(sharp, sharp), torch.zeros(2))
    blurred, moved = detail_distance(soft, sharp), detail_distance(aside, sharp)
    assert (blurred > 5 * moved).all()
    assert ((aside - sharp).abs().mean() > (soft - sharp).abs().mean()).all()  # a pixel term says the opposite


def test_detail_by_hand() -> None:
    """One bright pixel in a square of 64: its Laplacian is -4 there and 1 at four neighbours, 8 in all."""
    dark = torch.zeros(1, 3, 16, 16)
    spot = dark.clone()
    spot[:, :, 3, 3] = 1.0
    torch.testing.assert_close(detail_distance(spot, dark), torch.tensor([8 / 64 / 4]))  # one square of four


def test_the_gradient_of_detail_sharpens() -> None:
    rng = torch.Generator().manual_seed(0)
    sharp = torch.rand((1, 3, 16, 16), generator=rng)
    soft = nn.functional.avg_pool2d(sharp, 3, stride=1, padding=1, count_include_pad=False).requires_grad_()
    before = detail_distance(soft, sharp).sum()
    (gradient,) = torch.autograd.grad(before, soft)
    assert detail_distance(soft - 0.3 * gradient / gradient.abs().max(), sharp).sum() < before


@pytest.mark.parametrize("kind", ["ddpm", "gan"])
def test_detail_joins_the_loss_by_its_weight(kind: str) -> None:
    perception = Perception(load_config(f"tiny_{kind}", ["loss.detail=3"]).loss)
    assert perception
    made, truth = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    terms = perception.terms(made, truth, torch.zeros(2, 68, 2))
    assert set(terms) == {"detail"}
    torch.testing.assert_close(perception.weighed(terms), 3 * detail_distance(made, truth).mean())

"""Against values worked out by hand from the paper's formulas."""

import math

import pytest
import torch

from viseme.gan.losses import (
    ADVERSARIAL,
    adversarial_loss,
    discriminator_loss,
    hinge_adversarial_loss,
    hinge_discriminator_loss,
    pixel_loss,
    signal_to_noise,
    squared_gradient,
)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_discriminators_loss_is_the_papers() -> None:
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    expected = -(math.log(sigmoid(2)) + math.log(sigmoid(-1))) / 2
    expected -= (math.log(1 - sigmoid(0.5)) + math.log(1 - sigmoid(-3))) / 2
    assert float(discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-6)


def test_the_generators_adversarial_term_is_the_papers() -> None:
    fake = torch.tensor([0.5, -3.0])
    expected = -(math.log(sigmoid(0.5)) + math.log(sigmoid(-3))) / 2
    assert float(adversarial_loss(fake)) == pytest.approx(expected, rel=1e-6)


def test_a_discriminator_that_knows_nothing_pays_two_logarithms_of_two() -> None:
    assert float(discriminator_loss(torch.zeros(3), torch.zeros(3))) == pytest.approx(2 * math.log(2))


def test_certain_logits_stay_finite() -> None:
    assert float(discriminator_loss(torch.tensor([1e4]), torch.tensor([1e4]))) == pytest.approx(1e4)


def test_l1_is_averaged_over_time_channels_and_places() -> None:
    truth = torch.zeros(1, 2, 3, 2, 2)
    made = truth.clone()
    made[0, 0, :, 0, 0] = 1.0  # 3 of 24 numbers
    mouth = torch.zeros(1, 2, 1, 2, 2)
    assert float(pixel_loss(made, truth, mouth, mouth_weight=9.0)) == pytest.approx(3 / 24)
    mouth[0, 0, 0, 0, 0] = 1.0
    assert float(pixel_loss(made, truth, mouth, mouth_weight=9.0)) == pytest.approx(27 / 24)
    assert float(pixel_loss(made, truth, mouth, mouth_weight=1.0)) == pytest.approx(3 / 24)


def test_a_tenth_of_the_amplitude_as_error_is_twenty_decibels() -> None:
    truth = torch.ones(1, 1, 3, 4, 4)  # 1 in [0, 1]
    made = truth - 0.2  # an error of 0.1 in [0, 1]
    assert float(signal_to_noise(made, truth)) == pytest.approx(20, abs=1e-4)


def test_the_hinge_counts_what_lies_within_the_margin() -> None:
    real, fake = torch.tensor([2.0, 0.25]), torch.tensor([-3.0, 0.5])
    assert float(hinge_discriminator_loss(real, fake)) == pytest.approx((0 + 0.75) / 2 + (0 + 1.5) / 2)
    assert float(hinge_adversarial_loss(fake)) == pytest.approx((3.0 - 0.5) / 2)


def test_past_the_margin_the_hinge_pulls_the_generator_and_no_longer_the_discriminator() -> None:
    real, fake = torch.tensor([4.0], requires_grad=True), torch.tensor([-4.0], requires_grad=True)
    hinge_discriminator_loss(real, fake).backward()  # type: ignore[no-untyped-call]
    assert real.grad is not None
    assert fake.grad is not None
    assert (float(real.grad), float(fake.grad)) == (0, 0)
    hinge_adversarial_loss(fake).backward()  # type: ignore[no-untyped-call]
    assert float(fake.grad) == -1


@pytest.mark.parametrize("kind", sorted(ADVERSARIAL))
def test_both_kinds_send_the_networks_opposite_ways(kind: str) -> None:
    fake = torch.tensor([0.3], requires_grad=True)
    (down,) = torch.autograd.grad(ADVERSARIAL[kind].discriminator(torch.tensor([1.0]), fake), fake)
    (up,) = torch.autograd.grad(ADVERSARIAL[kind].generator(fake), fake)
    assert float(down) > 0 > float(up)


def test_the_squared_gradient_of_a_linear_judge_is_that_of_its_weights() -> None:
    weights = torch.arange(1.0, 13.0).reshape(1, 1, 3, 2, 2).requires_grad_(True)
    frames = torch.rand(4, 1, 3, 2, 2, requires_grad=True)
    found = squared_gradient((frames * weights).sum(dim=(1, 2, 3, 4)), frames)
    assert found.item() == pytest.approx(sum(i * i for i in range(1, 13)))
    (second,) = torch.autograd.grad(found, weights)
    torch.testing.assert_close(second, 2 * weights)


def test_the_squared_gradient_is_a_mean_over_windows() -> None:
    """Of D(x) = x^2 / 2 summed it is |x|^2."""
    frames = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1, 1).requires_grad_(True)
    assert squared_gradient(frames.square().flatten() / 2, frames).item() == pytest.approx((1 + 9) / 2)

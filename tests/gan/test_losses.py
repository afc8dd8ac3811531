"""Against values worked out by hand from the paper's formulas."""

import math

import pytest
import torch

from viseme.gan.losses import adversarial_loss, discriminator_loss, pixel_loss, signal_to_noise


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

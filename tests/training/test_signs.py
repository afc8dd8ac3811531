import json
import logging
from pathlib import Path

import numpy as np
import pytest

from viseme.training.history import Curve, History
from viseme.training.signs import Watch, signs

STEPS = np.arange(10, 1801, 10)


def history(**curves: tuple[np.ndarray, np.ndarray]) -> History:
    """`train_loss=(steps, values)` and the like."""
    made = {}
    for key, (steps, values) in curves.items():
        split, name = key.split("_", 1)
        made[split, name] = Curve(split, name, np.asarray(steps), np.asarray(values, dtype=float))
    return History(made)


def noise(scale: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, scale, len(STEPS))


def falling() -> np.ndarray:
    return np.exp(-STEPS / 600) + 0.2 + noise(0.01)


def test_a_run_that_learns_shows_no_sign() -> None:
    val = np.arange(200, 1801, 200)
    assert signs(history(train_loss=(STEPS, falling()), val_loss=(val, np.exp(-val / 600) + 0.25))) == {}
    assert signs(History()) == {}


def rates(real: float, fake: float, first: int = 1000) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    steps = STEPS[first <= STEPS]
    return {
        "train_real_right": (steps, np.full(len(steps), real)),
        "train_fake_right": (steps, np.full(len(steps), fake)),
        "train_discriminator": (steps, np.full(len(steps), 0.1)),
    }


@pytest.mark.parametrize(
    ("real", "fake", "first", "won"),
    [(0.99, 0.96, 1000, True), (0.99, 0.94, 1000, False), (0.5, 1.0, 1000, False), (1.0, 1.0, 1700, False)],
)
def test_a_discriminator_wins_by_both_rates_over_200_steps(real: float, fake: float, first: int, won: bool) -> None:
    found = signs(history(**rates(real, fake, first)))
    assert ("discriminator" in found) == won
    if won:
        assert "99% of true and 96% of made" in found["discriminator"]
        assert "discriminator.learning_rate" in found["discriminator"]
        assert "loss.r1" in found["discriminator"]


@pytest.mark.parametrize(
    ("real", "fake", "first", "lost"),
    [(0.5, 0.5, 1000, True), (1.0, 0.08, 1000, True), (0.6, 0.6, 1000, False), (0.5, 0.5, 1500, False)],
)
def test_a_generator_wins_by_both_rates_together_once_its_adversary_had_time(
    real: float, fake: float, first: int, lost: bool
) -> None:
    found = signs(history(**rates(real, fake, first)))
    assert ("generator" in found) == lost
    if lost:
        assert f"right about {real:.0%} of true and {fake:.0%} of made windows" in found["generator"]
        assert "discriminator.steps" in found["generator"]
        assert "\n" not in found["generator"]


def test_a_discriminator_that_won_long_ago_and_lost_since_has_not_won() -> None:
    steps = STEPS[STEPS >= 1000]
    rate = np.where(steps <= 1600, 1.0, 0.7)
    assert signs(history(train_real_right=(steps, rate), train_fake_right=(steps, rate))) == {}


def test_a_loss_that_rises_over_the_last_third() -> None:
    rising = falling() + np.maximum(0, STEPS - 1200) / 600 * 0.3
    line = signs(history(train_loss=(STEPS, rising)))["rising"]
    assert "training loss rises" in line
    assert "since step 1210" in line
    assert "training.learning_rate" in line


def test_scatter_is_no_rise() -> None:
    for seed in range(50):
        values = 1 + np.random.default_rng(seed).normal(0, 0.5, len(STEPS))
        assert "rising" not in signs(history(train_loss=(STEPS, values))), seed


def test_a_generator_s_loss_may_rise_with_its_adversary_but_its_pixels_may_not() -> None:
    adversary = {"train_discriminator": (STEPS, np.ones(len(STEPS)))}
    rising = 1 + np.maximum(0, STEPS - 1200) / 600 + noise(0.01)
    assert signs(history(train_loss=(STEPS, rising), train_pixel=(STEPS, falling()), **adversary)) == {}
    assert "pixel rises" in signs(history(train_pixel=(STEPS, rising), **adversary))["rising"]


@pytest.mark.parametrize("name", ["loss", "lip"])
def test_validation_parts_from_training(name: str) -> None:
    val = np.arange(200, 1801, 200)
    away = 0.4 + np.abs(val - 800) / 2000
    line = signs(history(**{f"train_{name}": (STEPS, falling()), f"val_{name}": (val, away)}))["apart"]
    assert f"{name} was least at step 800 (0.4)" in line
    assert "stop at step 800" in line


def test_validation_that_rises_together_with_training_does_not_part() -> None:
    val = np.arange(200, 1801, 200)
    up = 1 + STEPS / 1800
    assert "apart" not in signs(history(train_loss=(STEPS, up), val_loss=(val, 1 + val / 1800)))


def test_one_bad_validation_is_no_parting() -> None:
    val = np.arange(200, 1801, 200)
    values = np.full(len(val), 0.4)
    values[-1] = 0.9
    assert signs(history(train_loss=(STEPS, falling()), val_loss=(val, values))) == {}


def test_each_sign_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"step": int(s), "split": "train", "real_right": 1.0, "fake_right": 1.0} for s in STEPS]
    (tmp_path / "m").write_text("".join(json.dumps(row) + "\n" for row in rows))
    watch = Watch()
    with caplog.at_level(logging.WARNING, logger="viseme.training"):
        watch.look(tmp_path / "m")
        watch.look(tmp_path / "m")
    (line,) = caplog.messages
    assert line.startswith("the discriminator wins")
    assert "\n" not in line

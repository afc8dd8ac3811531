import pytest
import torch

from viseme.diffusion.losses import diffusion_loss, timestep_weight
from viseme.diffusion.process import DETAIL_STD, Process
from viseme.diffusion.schedule import cosine_alpha_bar, linear_alpha_bar, shifted, zero_terminal_snr

ALPHA_BAR = cosine_alpha_bar(50)
TIMESTEPS = torch.tensor([0, 10, 30, 48])


def pictures(seed: int) -> torch.Tensor:
    return torch.randn((4, 3, 4, 4), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("prediction", "detail"), [("eps", 1), ("eps", 2), ("x0", 1), ("v", 1)])
def test_a_perfect_prediction_gives_back_x0(prediction: str, detail: int) -> None:
    process = Process(ALPHA_BAR, prediction, detail=detail)  # type: ignore[arg-type]
    x0, eps = pictures(0), pictures(1)
    x_t = process.noised(x0, TIMESTEPS, eps)
    estimate = process.x0(process.target(x0, TIMESTEPS, eps), x_t, TIMESTEPS)
    torch.testing.assert_close(estimate, x0, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("prediction", ["x0", "v"])
@pytest.mark.parametrize("schedule", [cosine_alpha_bar, linear_alpha_bar])
def test_x0_is_told_even_where_no_signal_is_left(schedule, prediction: str) -> None:
    process, last = Process(zero_terminal_snr(schedule(50)), prediction), torch.full((4,), 49)  # type: ignore[arg-type]
    x0, eps = pictures(0), pictures(1)
    x_t = process.noised(x0, last, eps)
    assert torch.equal(x_t, eps)
    torch.testing.assert_close(process.x0(process.target(x0, last, eps), x_t, last), x0)
    assert timestep_weight(process, last, gamma=5.0, floor=0.0).isfinite().all()


def test_noising_keeps_unit_variance() -> None:
    process = Process(ALPHA_BAR, "eps")
    signal, noise = torch.ones(4, 3, 4, 4), torch.zeros(4, 3, 4, 4)
    share = process.noised(signal, TIMESTEPS, noise) ** 2 + process.noised(noise, TIMESTEPS, signal) ** 2
    torch.testing.assert_close(share, torch.ones_like(share))


def test_what_a_shifted_network_is_given_averages_to_what_an_unshifted_one_is() -> None:
    """The frame as strong as without the shift, and twice the noise, of which the mean of 2 x 2 pixels has half."""
    plain, process = Process(ALPHA_BAR, "x0"), Process(shifted(ALPHA_BAR, 2), "x0", 2)
    x0, eps = pictures(0), pictures(1)
    given = process.seen(process.noised(x0, TIMESTEPS, eps), TIMESTEPS)
    torch.testing.assert_close(given, plain.noised(x0, TIMESTEPS, 2 * eps))
    mean = torch.nn.functional.avg_pool2d
    torch.testing.assert_close(mean(given, 2), plain.noised(mean(x0, 2), TIMESTEPS, 2 * mean(eps, 2)))
    white = torch.randn((4, 3, 256, 256), generator=torch.Generator().manual_seed(0))
    assert float((2 * mean(white, 2)).std()) == pytest.approx(1, abs=0.01)


def test_who_is_spared_the_noise_within_squares_errs_as_much_as_before() -> None:
    """An error in what it predicts is the same error in eps: x0 is off by it times noise over signal."""
    x0, eps, error = pictures(0), pictures(1), pictures(2)
    estimates = []
    for detail in (1, 2):
        process = Process(ALPHA_BAR, "eps", detail=detail)
        x_t = process.noised(x0, TIMESTEPS, eps)
        estimates.append(process.x0(process.target(x0, TIMESTEPS, eps) + error, x_t, TIMESTEPS))
    torch.testing.assert_close(*estimates, rtol=1e-3, atol=1e-3)


def test_who_is_spared_the_noise_within_squares_predicts_its_mean_and_little_more() -> None:
    """Worked out for frames whose detail has the assumed deviation: what is left is the Wiener estimate's error."""
    rng = torch.Generator().manual_seed(0)
    x0, eps = DETAIL_STD * torch.randn((4, 3, 64, 64), generator=rng), torch.randn((4, 3, 64, 64), generator=rng)
    target = Process(ALPHA_BAR, "eps", detail=2).target(x0, TIMESTEPS, eps)
    mean = torch.nn.functional.avg_pool2d
    torch.testing.assert_close(mean(target, 2), mean(eps, 2))
    within = (target - mean(target, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)).square().mean(dim=(1, 2, 3))
    snr = Process(ALPHA_BAR, "eps").snr(TIMESTEPS)
    known = DETAIL_STD**2 * snr
    torch.testing.assert_close(within, 0.75 * known / (1 + known), rtol=0.05, atol=1e-4)


def test_without_a_shift_the_network_is_given_the_very_x_t() -> None:
    x_t = pictures(0)
    assert Process(ALPHA_BAR, "x0").seen(x_t, TIMESTEPS) is x_t


def test_min_snr_weighs_the_same_x0_error_alike_but_for_the_floor_that_eps_has_not() -> None:
    """An x0 error d is an eps error of d sqrt(SNR) and a v error of d sqrt(SNR + 1)."""
    snr = Process(ALPHA_BAR, "x0").snr(TIMESTEPS)
    weights = {
        kind: timestep_weight(Process(ALPHA_BAR, kind), TIMESTEPS, gamma=5.0, floor=0.5)  # type: ignore[arg-type]
        for kind in ("x0", "eps", "v")
    }
    torch.testing.assert_close(weights["v"] * (snr + 1), weights["x0"])
    torch.testing.assert_close(weights["x0"], snr.clamp(0.5, 5.0))
    torch.testing.assert_close(weights["eps"] * snr, snr.clamp(max=5.0))
    assert weights["eps"].max() <= 1  # a floor would let it grow without bound as the SNR falls


def test_no_weighting_is_all_ones() -> None:
    weights = timestep_weight(Process(ALPHA_BAR, "eps"), TIMESTEPS, gamma=0.0, floor=0.0)
    torch.testing.assert_close(weights, torch.ones(4))


def test_the_loss_worked_out_by_hand() -> None:
    output, target = torch.zeros(1, 3, 2, 2), torch.tensor([[1.0, 2.0], [0.0, 0.0]]).expand(1, 3, 2, 2)
    mouth = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).reshape(1, 1, 2, 2)
    loss = diffusion_loss(output, target, mouth, torch.tensor([2.0]), mouth_weight=1.2, l1=0.0)
    assert float(loss.total) == pytest.approx(2 * (1.2 * 1 + 4) / 4)
    assert float(loss.mse) == pytest.approx(5 / 4)
    assert float(loss.lip) == pytest.approx(1.0)
    with_l1 = diffusion_loss(output, target, mouth, torch.ones(1), mouth_weight=1.2, l1=0.5)
    assert float(with_l1.total) == pytest.approx((1.2 * 1.5 + 4 + 1) / 4)


def test_a_window_without_a_mouth_has_no_lip_loss() -> None:
    loss = diffusion_loss(pictures(0), pictures(1), torch.zeros(4, 1, 4, 4), torch.ones(4), mouth_weight=9.0, l1=0.0)
    assert float(loss.lip) == 0


@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
def test_a_perfect_prediction_tells_the_noise(prediction: str) -> None:
    process = Process(ALPHA_BAR, prediction)  # type: ignore[arg-type]
    x0, eps = pictures(0), pictures(1)
    x_t = process.noised(x0, TIMESTEPS, eps)
    found = process.eps(process.target(x0, TIMESTEPS, eps), x_t, TIMESTEPS)
    torch.testing.assert_close(found, eps, atol=1e-3, rtol=1e-3)


def test_the_separate_lip_term_worked_out_by_hand() -> None:
    """Two samples: an error of 2 and of 1 everywhere, mouths of one and of two places, weights 1 and 3."""
    output = torch.tensor([2.0, 1.0])[:, None, None, None].expand(2, 3, 2, 2)
    mouth = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]]).reshape(2, 1, 2, 2)
    loss = diffusion_loss(
        output, torch.zeros_like(output), mouth, torch.tensor([1.0, 3.0]), mouth_weight=1.0, l1=0.0, lip=0.2
    )
    assert float(loss.total) == pytest.approx(((4 + 0.2 * 4) * 1 + (1 + 0.2 * 1) * 3) / 2)
    assert float(loss.lip) == pytest.approx((4 + 2) / 3)


def test_the_lip_term_sees_the_mouth_alone() -> None:
    def total(error: torch.Tensor, lip: float) -> float:
        mouth = torch.tensor([1.0, 0, 0, 0]).reshape(1, 1, 2, 2)
        given = error.reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
        return float(
            diffusion_loss(
                given, torch.zeros_like(given), mouth, torch.ones(1), mouth_weight=1.2, l1=0.0, lip=lip
            ).total
        )

    elsewhere, inside = torch.tensor([0.0, 1, 1, 1]), torch.tensor([1.0, 0, 0, 0])
    assert total(elsewhere, 5.0) == total(elsewhere, 0.0)
    assert total(inside, 5.0) == pytest.approx(total(inside, 0.0) + 5.0)

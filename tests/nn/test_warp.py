import pytest
import torch

from viseme.nn.warp import enlarged, warp


def pictures() -> torch.Tensor:
    return torch.rand((2, 3, 8, 6), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("filter", ["bilinear", "lanczos"])
def test_no_flow_changes_nothing(filter: str) -> None:
    made = warp(pictures(), torch.zeros(2, 2, 8, 6), filter)
    torch.testing.assert_close(made, pictures(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("filter", ["bilinear", "lanczos"])
def test_a_flow_of_whole_pixels_reads_them_off(filter: str) -> None:
    flow = torch.zeros(2, 2, 8, 6)
    flow[:, 0], flow[:, 1] = 2, -1  # from two to the right, one above
    made, given = warp(pictures(), flow, filter), pictures()
    torch.testing.assert_close(made[:, :, 1:, :-2], given[:, :, :-1, 2:], atol=1e-5, rtol=0)
    past = given[:, :, :-1, -1:].expand(-1, -1, -1, 2)  # the border goes on, enlarged by half a pixel
    torch.testing.assert_close(made[:, :, 1:, -2:], past, atol=1e-5 if filter == "bilinear" else 0.2, rtol=0)


def test_an_enlarged_picture_keeps_its_pixels_and_joins_them_smoothly() -> None:
    x = torch.arange(32.0)
    wave = torch.sin(2 * torch.pi * x / 6).expand(1, 1, 32, 32)
    made = enlarged(wave)
    torch.testing.assert_close(made[:, :, ::2, ::2], wave)
    true = torch.sin(2 * torch.pi * torch.arange(0, 32, 0.5) / 6)
    torch.testing.assert_close(made[0, 0, 20, 8:56], true[8:56], atol=0.02, rtol=0)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(enlarged(wave), made)


def test_lanczos_keeps_more_detail_than_a_line() -> None:
    flow, given = torch.full((2, 2, 8, 6), 0.5), pictures()
    kept = {filter: float(warp(given, flow, filter).std() / given.std()) for filter in ("bilinear", "lanczos")}
    assert kept["bilinear"] + 0.1 < kept["lanczos"] < 1


def test_half_a_pixel_is_the_mean_of_two() -> None:
    flow = torch.zeros(2, 2, 8, 6)
    flow[:, 0] = 0.5
    given = pictures()
    torch.testing.assert_close(warp(given, flow)[..., :-1], (given[..., :-1] + given[..., 1:]) / 2)


def test_the_gradient_tells_the_flow_where_to_go() -> None:
    ramp = torch.arange(6.0).expand(1, 1, 8, 6)
    flow = torch.zeros(1, 2, 8, 6, requires_grad=True)
    warp(ramp, flow)[..., 1:-1].sum().backward()
    assert flow.grad is not None
    assert flow.grad[0, 0, 3, 2] == pytest.approx(1, abs=1e-4)
    assert flow.grad[0, 1, 3, 2] == pytest.approx(0, abs=1e-4)


def test_a_flow_that_is_lost_loses_the_picture_and_no_more() -> None:
    pictures, flow = torch.rand(1, 3, 8, 8, requires_grad=True), torch.zeros(1, 2, 8, 8)
    flow[0, 0, 2, 3] = torch.nan
    out = warp(pictures, flow.requires_grad_())
    assert out.isnan().sum() == 3
    assert out[:, :, 2, 3].isnan().all()
    out.sum().backward()  # torch's own would write outside of the picture's gradient

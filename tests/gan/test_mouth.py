import torch

from viseme.gan.mouth import mouth_crops


def windows(x: float, y: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each pixel tells its place; the mouths lie around (x, y) in pixels of 16, spread over the frames."""
    ys, xs = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    frames = torch.stack([xs, ys, torch.zeros(16, 16)]).expand(1, 3, 3, 16, 16)
    landmarks = torch.zeros(1, 3, 68, 2)
    landmarks[:, :, 48:] = (torch.tensor([x, y]) + torch.tensor([[-2.0], [0.0], [2.0]])[:, None]) / 16 * 2 - 1
    return frames, frames[:, 0], landmarks


def corner(x: float, y: float) -> list[float]:
    frames, photo = mouth_crops(*windows(x, y))
    assert frames.shape == (1, 3, 3, 8, 8)
    assert torch.equal(photo, frames[:, 0])
    assert torch.equal(frames[:, 1], frames[:, 2])  # one place for the whole window
    return frames[0, 0, :2, 0, 0].tolist()


def test_half_the_picture_around_the_mouth() -> None:
    assert corner(7, 10) == [3, 6]


def test_near_a_border_the_cut_stays_inside() -> None:
    assert corner(1, 15) == [0, 8]


def test_the_gradient_reaches_what_was_cut_out_alone() -> None:
    frames, photo, landmarks = windows(4, 4)
    frames = frames.clone().requires_grad_(True)
    mouth_crops(frames, photo, landmarks)[0].sum().backward()  # type: ignore[no-untyped-call]
    assert frames.grad is not None
    assert float(frames.grad.sum()) == 3 * 3 * 64
    assert float(frames.grad[..., 8:].sum()) == 0

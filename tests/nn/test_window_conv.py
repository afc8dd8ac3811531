import pytest
import torch
from torch import nn

from viseme.nn.window_conv import WindowConv3d

EARLY, LATE = ((3, 4, 4), (1, 2, 2), (1, 1, 1)), ((4, 4, 4), (2, 2, 2), (2, 1, 1))


@pytest.mark.parametrize("shape", [EARLY, LATE])
def test_it_is_a_convolution(shape) -> None:
    torch.manual_seed(0)
    ours, plain = WindowConv3d(6, 16, *shape), nn.Conv3d(6, 16, *shape)
    ours.load_state_dict(plain.state_dict())
    windows = torch.randn(2, 6, 3, 16, 16)
    torch.testing.assert_close(ours(windows), plain(windows))


@pytest.mark.parametrize("length", [2, 3, 8])
@pytest.mark.parametrize("shape", [EARLY, LATE])
@pytest.mark.parametrize("channels", [6, 64])
def test_short_windows_teach_the_same_in_bfloat16(shape, length: int, channels: int) -> None:
    torch.manual_seed(0)
    windows, gradients = torch.randn(4, channels, length, 16, 16), {}
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(1)
        conv = WindowConv3d(channels, 32, *shape).to(dtype)
        poisoned = [torch.full((2**n,), torch.nan) for n in range(8, 22)]
        del poisoned  # what is read before it is written is NaN, then
        conv(windows.to(dtype)).square().sum().backward()
        gradients[dtype] = conv.weight.grad.float()
    error = (gradients[torch.bfloat16] - gradients[torch.float32]).norm() / gradients[torch.float32].norm()
    assert error < 0.02

import numpy as np
import torch

from viseme.diffusion.losses import x0_trust
from viseme.diffusion.process import Process


def test_an_estimate_of_x0_counts_by_what_is_left_of_x0_in_x_t() -> None:
    process = Process(np.array([0.9, 0.25, 0.0]), "v")
    found = x0_trust(process, torch.tensor([2, 0, 1, 0]))
    torch.testing.assert_close(found, torch.tensor([0.0, 0.9, 0.25, 0.9]))
    # the variance of x_t that is x0's, where x0 has variance 1
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn((3, 1, 200, 200), generator=rng) for _ in range(2))
    x_t = process.noised(x0, torch.arange(3), eps)
    share = (x_t * x0).mean(dim=(1, 2, 3)) ** 2
    torch.testing.assert_close(x0_trust(process, torch.arange(3)), share, rtol=0, atol=0.02)

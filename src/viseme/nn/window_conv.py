"""A 3D convolution over short windows whose weights' gradient can be trusted in bfloat16.

Where a kernel reaches from the padding before a window to that behind it, oneDNN (3.12) computes it wrongly on
processors with AVX-512 bfloat16 and no AMX: part of it is memory that nobody wrote, and weights become NaN at once.
Windows of two and three frames are so short. It was seen on an AMD EPYC; with AMX it is right.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class WindowConv3d(nn.Conv3d):
    """`nn.Conv3d` that is handed the zeros before and behind a window as frames, with the same result.

    Args:
        channels: C, of the input.
        out: C', of the output.
        kernel: frames, height and width.
        stride: likewise.
        padding: likewise, with zeros.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: tuple[int, int, int],
        stride: tuple[int, int, int],
        padding: tuple[int, int, int],
    ) -> None:
        before, height, width = padding
        super().__init__(channels, out, kernel, stride, (0, height, width))
        self.before = before

    def forward(self, windows: Tensor) -> Tensor:
        """`[B,C,L,H,W]` to `[B,C',L',H',W']`."""
        return super().forward(F.pad(windows, (0, 0, 0, 0, self.before, self.before)))

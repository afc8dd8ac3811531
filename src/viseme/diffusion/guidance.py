"""Classifier-free guidance by each signal of its own, on the estimate of x0 (Ho and Salimans 2022).

With w_s the weight of signal s, x0 its estimate from all signals given and x0_s that without s:
x0 + sum_s (w_s - 1) (x0 - x0_s). A weight of 1 changes nothing and costs nothing; with one signal it is their equation
6, there written for eps with w - 1 as w.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from viseme.config.diffusion_sampling import Signal


@dataclass(frozen=True)
class Guidance:
    """Which passes a step needs, run as one batch: first with all signals, then without each that steers.

    Attributes:
        weights: by signal, those other than 1.
        without: signals left out of every branch.
    """

    weights: Mapping[Signal, float]
    without: Collection[Signal] = ()

    @property
    def branches(self) -> int:
        """Passes a step."""
        return 1 + len(self.weights)

    def repeated(self, rows: Tensor) -> Tensor:
        """`[N,...]` once for each branch, `[branches N,...]`."""
        return rows if self.branches == 1 else rows.repeat(self.branches, *(1,) * (rows.ndim - 1))

    def absent(self, signal: Signal, missing: Tensor) -> Tensor:
        """Where a signal is absent, bool `[branches N]`, of where it was not given, bool `[N]`."""
        steered = [False, *(signal == steering for steering in self.weights)]
        return torch.cat([missing | (signal in self.without or away) for away in steered])

    def combined(self, estimates: Tensor) -> Tensor:
        """The branches' estimates of x0, `[branches N,3,H,W]`, as one `[N,3,H,W]`."""
        full, *others = estimates.chunk(self.branches)
        steps = [(w - 1) * (full - other) for w, other in zip(self.weights.values(), others, strict=True)]
        return full + torch.stack(steps).sum(0) if steps else full

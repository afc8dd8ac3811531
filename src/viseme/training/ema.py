"""The exponential moving average of a network's weights, which is what a run exports."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class Ema:
    """Keeps float32 averages of a network's parameters and buffers.

    The decay at update n is min(decay, (1 + n) / (10 + n)), so that the random beginning is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay, self.updates = network, decay, 0
        self.average = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network's weights as they are now."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        averaged: list[Tensor] = list(self.average.parameters())
        current = list(self.network.parameters())
        torch._foreach_lerp_(
            averaged, [p.detach().to(a.device) for a, p in zip(averaged, current, strict=True)], 1 - decay
        )
        for kept, buffer in zip(self.average.buffers(), self.network.buffers(), strict=True):
            kept.copy_(buffer)

    def state_dict(self) -> dict[str, Any]:
        """The averages, and how many updates made them."""
        return {"updates": self.updates, "average": self.average.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.updates = state_dict["updates"]
        self.average.load_state_dict(state_dict["average"])

"""A network with its optimizer and its learning-rate schedule, behind one object, so that objectives stay plain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from viseme.config.schema import TrainingConfig
from viseme.types import Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def learning_rate_factor(step: int, training: TrainingConfig) -> float:
    """What multiplies the learning rate at a step: a linear rise, a constant, a cosine fall over the last steps."""
    if step < training.warmup_steps:
        return (step + 1) / training.warmup_steps
    if training.decay_steps and step > training.steps - training.decay_steps:
        share = (step - (training.steps - training.decay_steps)) / training.decay_steps
        return 0.5 + 0.5 * math.cos(math.pi * min(share, 1.0))
    return 1.0


class Optimization:
    """AdamW on one network; wraps it for the fabric, steps it, and gives what a checkpoint keeps."""

    def __init__(self, network: nn.Module, training: TrainingConfig, learning_rate: float | None = None) -> None:
        self.network = network
        self.forward: Any = network
        self.clip_norm = training.clip_norm
        self.optimizer: Any = torch.optim.AdamW(
            network.parameters(),
            lr=learning_rate or training.learning_rate,
            betas=training.betas,
            weight_decay=training.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate_factor(step, training)
        )

    def setup(self, fabric: Fabric) -> None:
        """Wrap network and optimizer for the fabric's device, strategy and precision."""
        self.fabric = fabric
        self.forward, self.optimizer = fabric.setup(self.network, self.optimizer)

    def step(self, loss: Tensor) -> Tensor:
        """Back-propagate, clip, step; returns the gradient norm before clipping."""
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        limit = self.clip_norm or math.inf
        norm = self.fabric.clip_gradients(self.forward, self.optimizer, max_norm=limit, error_if_nonfinite=False)
        self.optimizer.step()
        self.schedule.step()
        assert norm is not None
        return norm.detach()

    def state(self, prefix: str = "") -> dict[str, Stateful]:
        """Network, optimizer and schedule by name."""
        return {
            f"{prefix}model": self.network,
            f"{prefix}optimizer": self.optimizer,
            f"{prefix}schedule": self.schedule,
        }

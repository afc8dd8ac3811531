"""A network with its optimizer and its learning-rate schedule, behind one object, so that objectives stay plain."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from viseme.config.sections import TrainingConfig
from viseme.types import Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")


def learning_rate_factor(step: int, training: TrainingConfig) -> float:
    """What multiplies the learning rate at a step: a linear rise, a constant, a cosine fall over the last steps."""
    if step < training.warmup_steps:
        return (step + 1) / training.warmup_steps
    if training.decay_steps and step > training.steps - training.decay_steps:
        share = (step - (training.steps - training.decay_steps)) / training.decay_steps
        return 0.5 + 0.5 * math.cos(math.pi * min(share, 1.0))
    return 1.0


class Told:
    """Scalars of the parts of a step, kept without their graphs, and their means."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[Tensor]] = defaultdict(list)

    def __call__(self, scalars: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take one part's scalars in, and give them back as they are."""
        for name, value in scalars.items():
            self._values[name].append(value.detach())
        return scalars

    def means(self) -> dict[str, Tensor]:
        """The mean of each over the parts."""
        return {name: torch.stack(values).mean() for name, values in self._values.items()}


def _laid_out(optimizer: torch.optim.Optimizer) -> None:
    """Lay loaded moments out in memory as their parameters are: a fused step pairs numbers by place, not by index."""
    for parameter, state in optimizer.state.items():
        for name, moment in state.items():
            if moment.shape == parameter.shape:
                state[name] = torch.empty_like(parameter).copy_(moment)


class Optimization:
    """AdamW on one network; wraps it for the fabric, steps it, and gives what a checkpoint keeps."""

    def __init__(self, network: nn.Module, training: TrainingConfig, learning_rate: float | None = None) -> None:
        self.network = network
        self.forward: Any = network
        self.clip_norm = training.clip_norm
        if training.channels_last:
            network.to(memory_format=torch.channels_last)
        self.optimizer: Any = torch.optim.AdamW(
            network.parameters(),
            lr=learning_rate or training.learning_rate,
            betas=training.betas,
            eps=training.epsilon,
            weight_decay=training.weight_decay,
            fused=training.precision != "16-mixed",  # a fused step takes the scale off by itself, after the clipping
        )
        self.optimizer.register_load_state_dict_post_hook(_laid_out)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate_factor(step, training)
        )
        if training.compile:
            network.compile()

    def setup(self, fabric: Fabric) -> None:
        """Wrap network and optimizer for the fabric's device, strategy and precision."""
        self.fabric = fabric
        self.forward, self.optimizer = fabric.setup(self.network, self.optimizer)

    def step(self, loss: Tensor) -> Tensor:
        """Back-propagate, clip, step; returns the gradient norm before clipping."""
        return self.minimise(lambda only: only, [loss])

    def minimise(self, loss: Callable[[T], Tensor], parts: Iterable[T]) -> Tensor:
        """One step on the mean of a loss over equal parts of a batch, whose graphs never stand side by side.

        Gradients are averaged over the processes once, with the last part, and clipped after that.

        Args:
            loss: of one part, a scalar; it runs the network.
            parts: what `loss` takes.

        Returns:
            The gradient norm before clipping, a scalar.
        """
        *first, last = parts
        self.optimizer.zero_grad(set_to_none=True)
        for part in first:
            with self.fabric.no_backward_sync(self.forward):
                self.fabric.backward(loss(part) / (len(first) + 1))
        self.fabric.backward(loss(last) / (len(first) + 1) if first else loss(last))
        limit = self.clip_norm or math.inf
        norm = self.fabric.clip_gradients(self.forward, self.optimizer, max_norm=limit, error_if_nonfinite=False)
        self.optimizer.step()
        self.schedule.step()
        assert norm is not None
        return norm.detach()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """In here a forward pass lets gradients through the network and gives it none."""
        with self.fabric.no_backward_sync(self.forward):
            self.network.requires_grad_(False)
            try:
                yield
            finally:
                self.network.requires_grad_(True)

    def state(self, prefix: str = "") -> dict[str, Stateful]:
        """Network, optimizer and schedule by name."""
        return {
            f"{prefix}model": self.network,
            f"{prefix}optimizer": self.optimizer,
            f"{prefix}schedule": self.schedule,
        }

"""What learns beside a denoiser, with optimizers of their own: no gradient passes from one to the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from viseme.config.diffusion import DdpmConfig
from viseme.nn.optim import Optimization
from viseme.pose.pose import batch_poses
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Companion(ABC):
    """A network that learns from the batches that the denoiser learns from.

    Attributes:
        name: before the names of what a checkpoint keeps of it.
        lowered: which of its scalars it lowers.
    """

    name: ClassVar[str]
    lowered: ClassVar[str]

    def __init__(self, network: nn.Module, config: DdpmConfig, learning_rate: float | None = None) -> None:
        self.optimization = Optimization(network, config.training, learning_rate)

    def setup(self, fabric: Fabric) -> None:
        """Wrap network and optimizer for the fabric."""
        self.optimization.setup(fabric)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step on all frames of the windows; scalars as `losses`."""
        scalars = self.losses(batch)
        self.optimization.step(scalars[self.lowered])
        return {name: value.detach() for name, value in scalars.items()}

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Its scalars on a batch, by name."""

    def state(self) -> dict[str, Stateful]:
        """Network, optimizer and schedule by name."""
        return self.optimization.state(f"{self.name}_")


class PriorLearning(Companion):
    """The prior of poses, trained beside the denoiser that is told them."""

    name, lowered = "prior", "pose"

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """`pose`: what the prior loses on the windows' poses (`PosePrior`)."""
        return {"pose": self.optimization.forward(batch_poses(batch), batch.audio)}

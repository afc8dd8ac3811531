"""What learns beside a denoiser, with optimizers of their own: no gradient passes from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from viseme.config.diffusion import DdpmConfig
from viseme.nn.optim import Optimization
from viseme.pose.pose import batch_poses
from viseme.pose.prior import PosePrior
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Companion(Protocol):
    """Learns from the batches that the denoiser learns from."""

    def setup(self, fabric: Fabric) -> None:
        """Wrap network and optimizer for the fabric."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; scalars as `losses`."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Its scalars on a batch, by name."""

    def state(self) -> dict[str, Stateful]:
        """What a checkpoint keeps of it, by name."""


class PriorLearning:
    """The prior of poses, trained beside the denoiser that is told them."""

    def __init__(self, prior: PosePrior, config: DdpmConfig) -> None:
        self.optimization = Optimization(prior, config.training)

    def setup(self, fabric: Fabric) -> None:
        """Wrap prior and optimizer for the fabric."""
        self.optimization.setup(fabric)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step on all poses of the windows; scalars as `losses`."""
        scalars = self.losses(batch)
        self.optimization.step(scalars["pose"])
        return {name: value.detach() for name, value in scalars.items()}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """`pose`: what the prior loses on the windows' poses (`PosePrior`)."""
        return {"pose": self.optimization.forward(batch_poses(batch), batch.audio)}

    def state(self) -> dict[str, Stateful]:
        """Prior, optimizer and schedule by name."""
        return self.optimization.state("prior_")

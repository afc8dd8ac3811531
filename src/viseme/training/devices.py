"""On how many devices a run trains and how they share it: Fabric with what the environment says."""

from __future__ import annotations

import logging
import os
import platform
from dataclasses import dataclass, replace
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy

from viseme.config.sections import TrainingConfig
from viseme.errors import ConfigError

Sharing = Literal["auto", "ddp", "fsdp"]


@dataclass(frozen=True, slots=True)
class Devices:
    """Where a run trains. It belongs to the machine and not to the configuration: the same run may move.

    Attributes:
        devices: processes a node, each with a GPU where there are any.
        nodes: machines.
        strategy: auto, one device alone or ddp on several; ddp: each process has all of the model.
    """

    devices: int = 1
    nodes: int = 1
    strategy: Sharing = "auto"

    @property
    def count(self) -> int:
        """Processes of all nodes."""
        return self.devices * self.nodes


def started_by() -> Literal["torchrun", "slurm"] | None:
    """Who has started this process as one of several; None where nobody has."""
    if {"RANK", "WORLD_SIZE"} <= os.environ.keys():
        return "torchrun"
    # As Fabric tells them apart: a task of srun has a name of its own, a shell inside an allocation is called by these.
    if "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        return "slurm" if int(os.environ["SLURM_NTASKS"]) > 1 else None
    return None


def resolved(asked: Devices) -> Devices:
    """What was asked for, or under torchrun and SLURM what they have started.

    Raises:
        ConfigError: something else was asked for than was started, or several nodes where nobody has started them.
    """
    by = started_by()
    if by is None:
        if asked.nodes > 1:
            raise ConfigError(f"--nodes {asked.nodes}: start the command on every node by torchrun or srun")
        return asked
    if by == "torchrun":
        every = int(os.environ["WORLD_SIZE"])
        devices = int(os.environ.get("LOCAL_WORLD_SIZE", every // asked.nodes))
    else:
        every = int(os.environ["SLURM_NTASKS"])
        devices = every // int(os.environ.get("SLURM_NNODES", 1))
    found = replace(asked, devices=devices, nodes=every // devices)
    if asked.count > 1 and (asked.devices, asked.nodes) != (found.devices, found.nodes):
        raise ConfigError(
            f"--devices {asked.devices} --nodes {asked.nodes}: {by} has started {found.devices} processes on "
            f"{found.nodes} nodes; leave both out"
        )
    return found


def machine_name(device: torch.device) -> str:
    """What a run trains on, in words: the GPU's name, else the system and its cores."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def build_fabric(devices: Devices, training: TrainingConfig) -> Fabric:
    """The fabric of this process; where there are several, call its `launch` to connect them.

    Raises:
        ConfigError: devices, strategy or precision that this machine does not have.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it tells its choices on stderr, where errors belong
    check(devices, training)
    sharing: str | Strategy = "auto"
    if devices.count > 1:
        sharing = DDPStrategy(gradient_as_bucket_view=True)
    try:
        return Fabric(
            accelerator="auto",
            devices=devices.devices,
            num_nodes=devices.nodes,
            strategy=sharing,
            precision=training.precision,
            plugins=[TorchElasticEnvironment()] if started_by() == "torchrun" else None,
        )
    except (ValueError, RuntimeError) as error:  # Fabric's own errors are children of these
        told = " ".join(str(error).split())
        raise ConfigError(f"--devices {devices.devices} --nodes {devices.nodes}: {told}") from error


def check(devices: Devices, training: TrainingConfig) -> None:
    """Raise `ConfigError` where a run cannot be shared so, before any process is started."""
    accelerated = torch.cuda.is_available()
    if devices.strategy == "fsdp":
        why = "every model here fits one GPU" if accelerated else "needs GPUs, and this machine has none"
        raise ConfigError(f"--strategy fsdp: {why}; use --strategy ddp")
    if training.precision == "16-mixed" and not accelerated:
        raise ConfigError("training.precision=16-mixed needs a CUDA GPU, and this machine has none; use bf16-mixed")
    if accelerated and devices.devices > torch.cuda.device_count():
        raise ConfigError(f"--devices {devices.devices}: this machine has {torch.cuda.device_count()} GPUs")
    parts = devices.count * training.accumulate
    if training.batch_size % parts:
        raise ConfigError(
            f"training.batch_size={training.batch_size} cannot be shared by {devices.count} processes in "
            f"{training.accumulate} parts each; make it a multiple of {parts}"
        )

"""A training step of `ddpm_64` and `tiny_ddpm`, against diffusers' U-Net of the same shape in its plain training loop.

    python benchmarks/train.py [--preset tiny_ddpm ddpm_64] [--batch 8] [--precision float32 bf16] [--data STORE]

Both learn eps from the same windows, in turn, in one process; the median of the steps counts. The plain loop is that of
diffusers' own training example: add noise, predict under autocast, mean squared error, backward, clip, AdamW, schedule,
moving average. Ours does as much and weighs the mouth, embeds sound and identity, and logs. With `--data` the share of
a step that waits for windows of that store is told too.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from unet_step import PRECISIONS, peer

from viseme import api
from viseme.audio.features import feature_width
from viseme.config import DdpmConfig, load_config
from viseme.diffusion.objective import DdpmObjective
from viseme.nn.memory import keep_freed_memory
from viseme.nn.precision import autocast
from viseme.training.devices import Devices, build_fabric
from viseme.training.ema import Ema
from viseme.training.limits import synchronize
from viseme.types import Batch

Step = Callable[[], object]


def batch_of(config: DdpmConfig, count: int, device: torch.device) -> Batch:
    """Noise in the shape of a batch of windows of one frame."""
    size, rng = config.data.size, torch.Generator().manual_seed(0)
    picture = (count, 3, size, size)
    shapes = (picture, picture, (count, 1, *picture[1:]), (count, 1, feature_width(config.audio)), (count, 1, 68, 2))
    parts = [torch.randn(shape, generator=rng).clamp(-1, 1).to(device) for shape in shapes]
    mouth = torch.zeros(count, 1, 1, size, size, device=device)
    mouth[..., size // 2 :, size // 4 : -size // 4] = 1
    return Batch(*parts, mouth, parts[-1][:, 0], parts[-1][:, :0])


def ours(config: DdpmConfig, batch: Batch) -> Step:
    """What the trainer does in a step."""
    objective = DdpmObjective(config)
    objective.setup(build_fabric(Devices(), config.training))
    ema, rng = Ema(objective.model, config.training.ema), torch.Generator().manual_seed(0)

    def step() -> None:
        objective.step(batch, rng)
        ema.update()

    return step


def theirs(config: DdpmConfig, batch: Batch) -> Step | None:
    """The plain loop; None without diffusers."""
    network = peer(config)
    if network is None:
        return None
    from diffusers import DDPMScheduler
    from diffusers.training_utils import EMAModel

    device, patch, training = batch.identity.device, config.model.patch, config.training
    network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate, betas=training.betas)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
    noising, ema = DDPMScheduler(config.diffusion.steps), EMAModel(network.parameters(), decay=training.ema)
    x0, pictures = batch.frames[:, 0], torch.cat([batch.identity, batch.motion], dim=1)

    def step() -> None:
        eps = torch.randn_like(x0)
        timesteps = torch.randint(config.diffusion.steps, (len(x0),), device=device)
        seen = torch.cat([noising.add_noise(x0, eps, timesteps), pictures], dim=1)
        with autocast(device, training.precision):
            predicted = network(F.pixel_unshuffle(seen, patch), timesteps).sample
            loss = F.mse_loss(F.pixel_shuffle(predicted.float(), patch), eps)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        ema.step(network.parameters())

    return step


def main() -> None:
    """Time all in turn and print medians, ratios and, with a store, what waits for data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", default=["tiny_ddpm", "ddpm_64"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, metavar="STORE", help="tell too how long a step waits for its windows")
    arguments = parser.parse_args()
    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"batch {arguments.batch}, {where}, torch {torch.__version__}", flush=True)
    for preset in arguments.preset:
        for precision in arguments.precision:
            fields = [f"training.batch_size={arguments.batch}", f"training.precision={PRECISIONS[precision]}"]
            plain = ["diffusion.prediction=eps", "diffusion.residual=false", "training.clip_norm=1"]
            config = load_config(preset, [*fields, *plain])
            assert isinstance(config, DdpmConfig)
            torch.manual_seed(0)
            batch = batch_of(config, arguments.batch, device)
            steps = {"ours": ours(config, batch), "diffusers": theirs(config, batch)}
            taken = timed({name: step for name, step in steps.items() if step}, arguments.rounds, device)
            told = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in taken.items())
            ratio = f"; ours is {taken['diffusers'] / taken['ours']:.2f} times as fast" if "diffusers" in taken else ""
            print(f"{preset}, {precision}: {told}{ratio}", flush=True)
            del steps
            if arguments.data is not None and config.audio.kind == "mel":
                share = api.profile(preset, arguments.data, overrides=fields).shares["data waiting"]
                print(f"  with windows of {arguments.data.name}: {100 * share:.1f} % of a step waits for them")


def timed(steps: dict[str, Step], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each, taken in turn after one that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(1 + rounds):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            synchronize(device)
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


if __name__ == "__main__":
    main()

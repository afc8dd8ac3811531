"""One denoising step of `ddpm_64`, against diffusers' U-Net of the same shape and against the machine's convolutions.

    python benchmarks/unet_step.py [--batch 8] [--precision float32 bf16] [--compile]

The peak is the fastest of the network's own kinds of 3x3 convolution, alone, in the same precision and batch; on a busy
machine such short work finds quieter moments than a whole step does. diffusers' `UNet2DModel` has the same blocks and
shapes of weights, but hears nothing. All are timed in turn in both memory layouts, and the best of each counts;
`--compile` adds torch.compile's. Without diffusers its rows are left out.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from viseme.config import DdpmConfig, load_config
from viseme.diffusion.model import build_unet
from viseme.nn.memory import keep_freed_memory
from viseme.nn.precision import autocast

PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}
CONVOLUTIONS = ((192, 64), (384, 32), (576, 16), (768, 8))
"""Channels and size of `ddpm_64`'s resolutions."""
Step = Callable[[torch.Tensor], object]


def seconds(step: Step, x: torch.Tensor) -> float:
    """Wall-clock time of one call, the device having finished."""
    if x.is_cuda:
        torch.cuda.synchronize()
    begun = time.perf_counter()
    step(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def convolution_peak(batch: int, device: torch.device, rounds: int = 8) -> float:
    """Floating-point operations a second of the fastest convolution, under the autocast that holds."""
    best = 0.0
    layouts = (torch.contiguous_format, torch.channels_last)
    for (channels, size), layout in itertools.product(CONVOLUTIONS, layouts):
        convolution = nn.Conv2d(channels, channels, 3, padding=1, device=device).to(memory_format=layout)  # type: ignore[call-overload]
        x = torch.randn(batch, channels, size, size, device=device).contiguous(memory_format=layout)
        flops = 2 * 9 * channels**2 * size**2 * batch
        best = max(best, *(flops / seconds(convolution, x) for _ in range(rounds)))
    return best


def peer(config: DdpmConfig) -> nn.Module | None:
    """diffusers' U-Net with the same blocks, for pixels already folded, or None without diffusers."""
    try:
        from diffusers.models.unets.unet_2d import UNet2DModel
    except ImportError:
        return None
    model = config.model
    levels, widths = len(model.multipliers), tuple(model.base * m for m in model.multipliers)
    groups = math.gcd(32, *widths)
    return UNet2DModel(
        in_channels=9 * model.patch**2,
        out_channels=3 * model.patch**2,
        down_block_types=("ResnetDownsampleBlock2D",) * levels,
        up_block_types=("ResnetUpsampleBlock2D",) * levels,
        block_out_channels=widths,
        layers_per_block=model.blocks,
        dropout=model.dropout,
        attention_head_dim=widths[-1] // model.heads,
        norm_num_groups=groups,
        attn_norm_num_groups=groups,
        resnet_time_scale_shift="scale_shift",
    )


def main() -> None:
    """Time all in turn and print seconds, shares of the peak and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true", help="time torch.compile's network too")
    arguments = parser.parse_args()
    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"ddpm_64, batch {arguments.batch}, {where}, torch {torch.__version__}", flush=True)

    config = load_config("ddpm_64")
    assert isinstance(config, DdpmConfig)
    torch.manual_seed(0)
    ours, theirs = build_unet(config).eval().to(device), peer(config)
    inputs = torch.randn(arguments.batch, 9, 64, 64, device=device)
    timesteps = torch.full((arguments.batch,), 100, device=device)
    with torch.inference_mode():
        signals = ours.embed_signals({"audio": torch.randn(arguments.batch, 5 * 256, device=device)})

    def denoise(x: torch.Tensor) -> torch.Tensor:
        return ours.denoise(x[:, :3], timesteps, x[:, 3:], signals)

    cases: list[tuple[str, nn.Module, Step]] = [("ours", ours, denoise)]
    if arguments.compile:
        cases.append(("ours, compiled", ours, torch.compile(denoise)))
    if theirs is not None:
        cases.append(("diffusers", theirs.eval().to(device), lambda x: theirs(x, timesteps)))
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        denoise(inputs)
    flops = counter.get_total_flops()

    quickest: dict[str, float] = {}
    for precision in arguments.precision:
        best = dict.fromkeys((name for name, _, _ in cases), float("inf"))
        # One context for all calls, as sampling has it: autocast converts the weights once in it.
        with torch.inference_mode(), autocast(device, PRECISIONS[precision]):
            peak = convolution_peak(arguments.batch, device)
            print(f"{precision}, {flops / 1e9:.1f} GFLOP a step", flush=True)
            for name, network, step in cases:
                for layout in (torch.contiguous_format, torch.channels_last):
                    torch.clear_autocast_cache()
                    network.to(memory_format=layout)  # type: ignore[call-overload]
                    x = inputs.contiguous(memory_format=layout)
                    taken = min(seconds(step, x) for _ in range(1 + arguments.rounds))
                    best[name] = min(best[name], taken)
                    formed = "channels-last" if layout is torch.channels_last else "channels-first"
                    print(f"  {name}, {formed}: {1000 * taken:.0f} ms", flush=True)
            peak = max(peak, convolution_peak(arguments.batch, device))
        mine = quickest[precision] = min(taken for name, taken in best.items() if name.startswith("ours"))
        print(f"  convolutions reach {peak / 1e9:.0f} GFLOP/s; ours {100 * flops / mine / peak:.0f} % of that")
        if theirs is not None:
            print(f"  ours is {best['diffusers'] / mine:.2f} times as fast as diffusers'")
    if len(quickest) == 2:
        print(f"bf16 is {quickest['float32'] / quickest['bf16']:.2f} times as fast as float32")


if __name__ == "__main__":
    main()

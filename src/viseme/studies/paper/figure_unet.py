"""Figure 3 of the paper: the conditional 2D U-Net, drawn from the network as built."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from viseme.audio.features import feature_width
from viseme.config import DdpmConfig, load_config
from viseme.diffusion.model import LANDMARK_WIDTH, build_unet
from viseme.diffusion.unet import UNet
from viseme.report.wording import number
from viseme.studies.figures import Drawing
from viseme.studies.paper.boxes import Boxes
from viseme.studies.paper.graph import Graph, traced
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.plan import PRESETS
from viseme.studies.paper.published import published


def figure_3(made: Made) -> Section:
    """The run with landmarks; the preset where there is no run."""
    own = "train/landmarks" in made.paths
    config = load_config(made.run("landmarks").config if own else PRESETS["landmarks"])
    assert isinstance(config, DdpmConfig)
    graph, levels = unet_graph(config), len(config.model.multipliers)
    embedded = frozenset(name for name in graph.shapes if name.startswith("embed"))
    panel = Boxes("Denoiser", graph, _places(graph, levels), faint=embedded)
    says = (
        f"Of {'the run' if own else f'preset {config.name}'}, found by running it: each box says what it "
        "gives for one frame and how many millions of numbers it learns, "
        f"{number(sum(graph.parameters.values()) / 1e6, 2)} in all. Every box of residual blocks is given each "
        "embedding (thin lines); those going up also what those going down gave at their resolution."
    )
    drawing = Drawing("figure_3", "The denoiser", "Parts of the U-Net.", [panel], 1)
    return Section("Figure 3", "The conditional U-Net, as built", says, published().figures["3"], drawing)


def unet_graph(config: DdpmConfig) -> Graph:
    """Noisy frame, reference pictures, timestep and signals to the prediction."""
    size, names = config.data.size, ["sound", "landmarks"] if config.model.landmarks else ["sound"]
    with torch.device("meta"):
        network = build_unet(config).eval()
        inputs = {
            "noisy frame": torch.empty(1, 3, size, size),
            "timestep": torch.empty(1, dtype=torch.int64),
            "identity, motion": torch.empty(1, 3 * (1 + config.data.motion_frames), size, size),
            "sound": torch.empty(1, feature_width(config.audio)),
            "landmarks": torch.empty(1, LANDMARK_WIDTH),
        }
    if not config.model.landmarks:
        del inputs["landmarks"]

    def run(x_t: Tensor, timestep: Tensor, pictures: Tensor, *signals: Tensor) -> Tensor:
        by_name = dict(zip(("audio", "landmarks"), signals, strict=False))
        return network(x_t, timestep, pictures, by_name)  # type: ignore[no-any-return]

    parts: dict[str, list[nn.Module]] = {
        "embed timestep": [network.embed_timestep],
        **{f"embed {name}": [m] for name, m in zip(names, network.embed.values(), strict=True)},
        "stem": [network.stem],
        **_levels(network, len(config.model.multipliers), config.model.blocks),
        "head": [network.norm, network.head],
    }
    return traced(run, inputs, parts)


def _levels(network: UNet, levels: int, blocks: int) -> dict[str, list[nn.Module]]:
    """The residual blocks of each resolution, going down, in the middle, going up; those that resample at its end."""
    each = blocks + 1
    starts = [each * level for level in range(levels)] + [len(network.down)]
    down = {f"down {level}": list(network.down)[a:b] for level, (a, b) in enumerate(pairwise(starts))}
    stages = list(network.up)
    up = {
        f"up {level}": [block for stage in stages[each * at : each * (at + 1)] for block in stage.children()]
        for at, level in enumerate(reversed(range(levels)))
    }
    return {**down, "middle": [network.middle_in, network.attention, network.middle_out], **up}


def _places(graph: Graph, levels: int) -> dict[str, tuple[float, float]]:
    """A U: down on the left, up on the right, the embeddings in between."""
    places = {"noisy frame": (0.0, 1.0), "identity, motion": (0.0, 2.0), "stem": (1.0, 1.5), "head": (6.0, 1.5)}
    for level in range(levels):
        places |= {f"down {level}": (1.0, 2.5 + level), f"up {level}": (6.0, 2.5 + level)}
    places["middle"] = (3.5, 2.5 + levels)
    names = ["timestep", *(name for name in ("sound", "landmarks") if name in graph.shapes)]
    for at, name in enumerate(names):
        places |= {name: (2.5 + at, 0.0), f"embed {name}": (2.5 + at, 1.0)}
    return places

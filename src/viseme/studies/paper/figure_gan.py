"""Figure 2 of the paper: generator and discriminator, drawn from the networks as built."""

from __future__ import annotations

import torch
from torch import nn

from viseme.audio.features import feature_width
from viseme.config import GanConfig, load_config
from viseme.gan.discriminator import Discriminator, FaceAndMouth, build_discriminator
from viseme.gan.objective import build_generator
from viseme.report.wording import number
from viseme.studies.figures import Drawing
from viseme.studies.paper.boxes import Boxes
from viseme.studies.paper.graph import Graph, traced
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.plan import PRESETS
from viseme.studies.paper.published import published


def figure_2(made: Made) -> Section:
    """The run's networks; the preset's where there is no run."""
    own = "train/gan" in made.paths
    config = load_config(made.run("gan").config if own else PRESETS["gan"])
    assert isinstance(config, GanConfig)
    generator, discriminator = generator_graph(config), discriminator_graph(config)
    panels = [
        Boxes("Generator", generator, _generator_places(generator)),
        Boxes("Discriminator", discriminator, _discriminator_places(discriminator)),
    ]
    learned = [number(sum(graph.parameters.values()) / 1e6, 2) for graph in (generator, discriminator)]
    says = (
        f"Of {'the run' if own else f'preset {config.name}'}, found by running it: each box says what it gives for "
        f"one clip of {config.data.window} frames and how many numbers it holds. The generator has {learned[0]} "
        f"million in these parts, the discriminator {learned[1]} million."
    )
    drawing = Drawing("figure_2", "The conditional GAN", "Parts of generator and discriminator.", panels, 1)
    return Section("Figure 2", "The conditional GAN, as built", says, published().figures["2"], drawing)


def generator_graph(config: GanConfig) -> Graph:
    """Photo, sound and noise to frames."""
    length, size = config.data.warmup + config.data.window, config.data.size
    with torch.device("meta"):
        network = build_generator(config).eval()
        inputs = {
            "photo": torch.empty(1, 3, size, size),
            "sound": torch.empty(1, length, feature_width(config.audio)),
            "noise": torch.empty(1, length, config.model.noise),
        }
    parts: dict[str, list[nn.Module]] = {
        "photo's vector": [network.identity],
        "sound's vector": [network.listener, network.audio],
        "LSTM": [network.lstm],
        "4 × 4": [network.start],
        **{f"upsample {level}": [block] for level, block in enumerate(network.blocks)},
        "frames": [network.head],
    }
    return traced(lambda photo, audio, noise: network(photo, audio, noise, config.data.window), inputs, parts)


def discriminator_graph(config: GanConfig) -> Graph:
    """Frames, photo and sound to a verdict."""
    length, size = config.data.window, config.data.size
    with torch.device("meta"):
        network = build_discriminator(config).eval()
        inputs = {
            "frames": torch.empty(1, length, 3, size, size),
            "photo": torch.empty(1, 3, size, size),
            "sound": torch.empty(1, length, feature_width(config.audio)),
        }
    judge = network.face if isinstance(network, FaceAndMouth) else network
    assert isinstance(judge, Discriminator)
    parts: dict[str, list[nn.Module]] = {
        "sound's channels": [judge.listener, judge.audio],
        "3D CNN, early": [judge.early],
        "3D CNN, late": [judge.late],
        "verdict": [judge.head],
    }
    return traced(judge, inputs, parts)


def _generator_places(graph: Graph) -> dict[str, tuple[float, float]]:
    places = {"photo": (0.0, 0.0), "sound": (0.0, 1.0), "noise": (0.0, 2.0)}
    places |= {"photo's vector": (1.0, 0.0), "sound's vector": (1.0, 1.0), "LSTM": (2.0, 1.0), "4 × 4": (3.0, 1.0)}
    later = [name for name in graph.shapes if name.startswith("upsample")] + ["frames"]
    return places | {name: (4.0 + at % 2, 0.0 + at // 2) for at, name in enumerate(later)}


def _discriminator_places(graph: Graph) -> dict[str, tuple[float, float]]:
    row = ["3D CNN, early", "3D CNN, late", "verdict"]
    places = {"frames": (0.0, 0.0), "photo": (0.0, 1.0), "sound": (0.0, 2.0), "sound's channels": (1.0, 2.0)}
    return places | {name: (1.0 + at, 0.5) for at, name in enumerate(row) if name in graph.shapes}

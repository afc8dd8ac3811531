"""Graphs of networks, found by running them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from viseme.config import load_config
from viseme.families import count_parameters
from viseme.studies.paper.boxes import Boxes
from viseme.studies.paper.figure_gan import discriminator_graph, generator_graph
from viseme.studies.paper.figure_unet import _places, unet_graph
from viseme.studies.paper.graph import traced


class Net(nn.Module):
    """Two inputs, one of which is ignored; a skip connection; work between the parts."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.deaf = Deaf()

    def forward(self, x, y):
        h = self.a(x)
        return self.deaf(self.c(torch.cat([h, torch.relu(self.b(h)) * 2], dim=0).mean(0)), y)


class Deaf(nn.Module):
    def forward(self, x, y):
        return x + 1


def test_a_graph_has_the_edges_that_data_take():
    net = Net()
    parts = {"a": [net.a], "b": [net.b], "c": [net.c], "deaf": [net.deaf]}
    graph = traced(net, {"x": torch.zeros(1, 4), "y": torch.zeros(1, 4)}, parts)
    assert set(graph.edges) == {("x", "a"), ("a", "b"), ("a", "c"), ("b", "c"), ("c", "deaf")}
    assert graph.parameters == {"a": 40, "b": 72, "c": 18, "deaf": 0}
    assert (graph.shapes["x"], graph.shapes["a"]) == ((4,), (8,))
    assert not net.a._forward_hooks


def test_modules_of_one_part_feed_each_other_in_silence():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1))
    graph = traced(net, {"x": torch.zeros(1, 4)}, {"both": list(net)[:2], "end": [net[2]]})
    assert list(graph.edges) == [("x", "both"), ("both", "end")]
    assert graph.shapes["both"] == (4,)


@pytest.mark.parametrize("preset", ["ddpm_64", "ddpm_128_landmarks"])
def test_the_denoisers_graph_is_the_papers(preset):
    config = load_config(preset)
    graph, levels = unet_graph(config), len(config.model.multipliers)
    assert sum(graph.parameters.values()) == count_parameters(config)
    assert ("timestep", "embed timestep") in graph.edges
    for signal in ("timestep", "sound", *(["landmarks"] if config.model.landmarks else [])):
        assert {to for source, to in graph.edges if source == f"embed {signal}"} == {
            *(f"{way} {level}" for way in ("down", "up") for level in range(levels)),
            "middle",
        }
    assert all((f"down {level}", f"up {level}") in graph.edges for level in range(levels))
    assert ("middle", f"up {levels - 1}") in graph.edges
    assert graph.shapes["head"] == (3, config.data.size, config.data.size)
    assert set(_places(graph, levels)) == set(graph.shapes)


def test_the_papers_generator_draws_from_the_lstm_alone():
    graph = generator_graph(load_config("gan_64", ["model.backbone=lite0", "audio.kind=mel"]))
    assert {source for source, to in graph.edges if to == "LSTM"} == {"photo's vector", "sound's vector", "noise"}
    assert {to for source, to in graph.edges if source == "LSTM"} == {"4 × 4"}
    assert graph.shapes["frames"] == (3, 64, 64)


def test_the_stable_generator_is_told_the_state_in_every_block():
    config = load_config("gan_64_stable", ["model.pose=false"])
    graph = generator_graph(config)
    assert {f"upsample {level}" for level in range(5)} <= {to for source, to in graph.edges if source == "LSTM"}
    assert ("photo's vector", "upsample 0") in graph.edges


@pytest.mark.parametrize("preset", ["gan_128", "gan_128_stable"])
def test_the_discriminator_judges_frames_photo_and_sound(preset):
    config = load_config(preset, ["audio.kind=mel", "discriminator.mouth=false"])
    graph = discriminator_graph(config)
    assert {("frames", "3D CNN, early"), ("photo", "3D CNN, early"), ("sound", "sound's channels")} <= set(graph.edges)
    assert ("sound's channels", "3D CNN, late") in graph.edges
    assert graph.shapes["verdict"] == (1,)


def test_boxes_need_room_for_each_place():
    net = nn.Sequential(nn.Linear(4, 4))
    graph = traced(net, {"x": torch.zeros(1, 4)}, {"a": list(net)})
    small, large = (Boxes("", graph, {"x": (0, 0), "a": (column, 0)}) for column in (1, 3))
    assert large.width == 2 * small.width
    assert large.height == small.height

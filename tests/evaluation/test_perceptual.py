from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from viseme.evaluation import perceptual
from viseme.evaluation.perceptual import lpips_of
from viseme.evaluation.score import Sample, score
from viseme.nn.images import to_signed
from viseme.nn.lpips import Lpips


@pytest.fixture(scope="module")
def network() -> Lpips:
    """LPIPS on two small layers with random weights."""
    rng = torch.Generator().manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 11, 4, 2), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU())
    heads = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for channels in (8, 16))
    for weights in layers.parameters():
        nn.init.normal_(weights, std=0.2, generator=rng)
    for weights in heads.parameters():
        nn.init.uniform_(weights, 0, 1, generator=rng)
    return Lpips(layers, heads)


@pytest.fixture(scope="module")
def videos() -> tuple[np.ndarray, np.ndarray]:
    """Frames ever farther from truth: uint8 `[11,40,36,3]` each."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (11, 40, 36, 3), dtype=np.uint8)
    noise = rng.normal(size=truth.shape) * 8 * np.arange(11)[:, None, None, None]
    return (truth + noise).round().clip(0, 255).astype(np.uint8), truth


def test_each_frame_s_distance_is_the_network_s(network: Lpips, videos: tuple[np.ndarray, np.ndarray]) -> None:
    found = lpips_of(*videos, network)
    assert found.dtype == np.float64
    assert found.shape == (11,)
    assert found[0] == 0
    assert (np.diff(found[:6]) > 0).all()  # the farther, the larger
    alone = [network(to_signed(a[None]), to_signed(b[None])).item() for a, b in zip(*videos, strict=True)]
    np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("batch", [1, 4, 11])
def test_the_batch_makes_no_difference(network: Lpips, videos: tuple[np.ndarray, np.ndarray], batch: int) -> None:
    np.testing.assert_allclose(lpips_of(*videos, network, batch=batch), lpips_of(*videos, network), rtol=0, atol=1e-6)


def test_a_reversed_view_is_as_good_as_a_copy(network: Lpips, videos: tuple[np.ndarray, np.ndarray]) -> None:
    there = lpips_of(*videos, network)
    back = lpips_of(videos[0][::-1], videos[1][::-1], network)
    np.testing.assert_allclose(back, there[::-1], atol=1e-6)


def test_no_frames_no_distances(network: Lpips) -> None:
    empty = np.zeros((0, 40, 40, 3), np.uint8)
    assert lpips_of(empty, empty, network).shape == (0,)


@pytest.mark.parametrize(
    ("ours", "true", "says"),
    [
        (np.zeros((2, 40, 40, 3), np.uint8), np.zeros((3, 40, 40, 3), np.uint8), "two videos"),
        (np.zeros((2, 3, 40, 40), np.uint8), np.zeros((2, 3, 40, 40), np.uint8), "two videos"),
        (np.zeros((2, 40, 40, 3), np.float32), np.zeros((2, 40, 40, 3), np.uint8), "uint8, not float32"),
        (np.zeros((2, 40, 30, 3), np.uint8), np.zeros((2, 40, 30, 3), np.uint8), "31 pixels"),
    ],
)
def test_other_frames_are_refused(network: Lpips, ours: np.ndarray, true: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        lpips_of(ours, true, network)


def test_a_clip_s_number_is_the_mean_over_frames(
    network: Lpips, videos: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def scored(ours: np.ndarray, true: np.ndarray) -> Any:
        sample = SimpleNamespace(candidate=SimpleNamespace(frames=ours), truth=SimpleNamespace(frames=true))
        return score(cast(Sample, sample), ["lpips"])

    monkeypatch.setattr(perceptual, "published", lambda: network)
    found = scored(*videos)
    assert found.values["lpips"] == pytest.approx(lpips_of(*videos, network).mean())
    assert found.truth == {}  # of itself it would be 0
    small = [video[:, :16, :16] for video in videos]
    assert scored(*small).missing["lpips"] == "LPIPS needs frames of 31 pixels a side or more"


def test_the_published_network_is_read_once(network: Lpips, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Lpips] = []

    def reads() -> Lpips:
        read.append(network)
        return network

    monkeypatch.setattr(perceptual, "lpips", reads)
    perceptual.published.cache_clear()
    frames = np.zeros((1, 40, 40, 3), np.uint8)
    try:
        assert lpips_of(frames, frames).tolist() == lpips_of(frames, frames).tolist() == [0]
    finally:
        perceptual.published.cache_clear()
    assert len(read) == 1

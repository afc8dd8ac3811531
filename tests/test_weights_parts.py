"""The parts that are known by name: whose they are, their hashes, and those that packages hold."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from viseme.weights import PARTS, fetch, fingerprint, here, is_published, located, read_state


def test_every_part_is_named_and_known_by_its_hash() -> None:
    for name, part in PARTS.items():
        assert part.name == name
        assert re.fullmatch("[0-9a-f]{64}", part.sha256) or (part.hub and not part.sha256)
        assert part.size > 0
        assert part.use
        assert part.licence
        assert part.page.startswith("https://")
        assert bool(part.url) + bool(part.package) + bool(part.hub) <= 1
        assert part.url.startswith("https://") or not part.url
        if prefix := re.search("-([0-9a-f]{8})[.]pth$", part.file):  # as their makers put it into the name
            assert part.sha256.startswith(prefix[1])


def test_torchvision_knows_the_same_files() -> None:
    from torchvision.models import AlexNet_Weights, ResNet18_Weights

    assert ResNet18_Weights.IMAGENET1K_V1.url == PARTS["resnet18"].url
    assert AlexNet_Weights.IMAGENET1K_V1.url == PARTS["lpips-alexnet"].url


def test_speech_encoders_are_those_that_a_configuration_means() -> None:
    from viseme.audio.speech import DEFAULT_CHECKPOINTS

    assert {name: part.hub for name, part in PARTS.items() if part.hub} == DEFAULT_CHECKPOINTS


@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if part.package])
def test_what_packages_hold_is_here_and_as_published(name: str) -> None:
    path = located(name)
    assert is_published(name, path)
    assert path.stat().st_size == PARTS[name].size
    assert fetch(name) == path == here(name)
    assert fingerprint(name, path) == PARTS[name].sha256


@pytest.mark.parametrize("name", ["lpips-heads", "efficientnet-lite0"])
def test_what_packages_hold_is_read(name: str) -> None:
    assert read_state(name, located(name))


def test_naming_parts_loads_no_torch() -> None:
    code = "import sys, viseme.weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
